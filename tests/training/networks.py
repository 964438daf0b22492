"""A network so small that it trains in seconds, and how to ask for it on the command line."""

from diffusers import DDPMScheduler, UNet2DModel

TINY = {
    "sample_size": 16,
    "in_channels": 1,
    "out_channels": 1,
    "layers_per_block": 1,
    "block_out_channels": [8, 16],
    "norm_num_groups": 4,
    "down_block_types": ["DownBlock2D", "DownBlock2D"],
    "up_block_types": ["UpBlock2D", "UpBlock2D"],
}
TINY_WORDS = [
    "network.sample_size=16",
    "network.block_out_channels=[8,16]",
    "network.norm_num_groups=4",
    "network.down_block_types=[DownBlock2D,DownBlock2D]",
    "network.up_block_types=[UpBlock2D,UpBlock2D]",
]


def tiny_network() -> UNet2DModel:
    return UNet2DModel(**TINY)


def scheduler(prediction: str = "epsilon") -> DDPMScheduler:
    return DDPMScheduler(num_train_timesteps=1000, prediction_type=prediction)
