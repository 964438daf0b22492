"""A network so small that it trains in seconds, and how to ask for it on the command line."""

from diffusers import DDPMScheduler, UNet2DModel

from cryosense.training.optimisation import Optimisation

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


def optimisation() -> Optimisation:
    return Optimisation(
        learning_rate=1e-3,
        betas=[0.9, 0.999],
        weight_decay=0.0,
        warmup_steps=2,
        steps=10,
        ema_inv_gamma=1.0,
        ema_power=0.75,
        ema_max_decay=0.99,
    )
