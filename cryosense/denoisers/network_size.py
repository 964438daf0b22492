"""How large the network is that a configuration describes, asked before it is built."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from cryosense.errors import ArgumentError

MOST_LAYERS_PER_BLOCK, MOST_BLOCKS, LARGEST_SIZE = 16, 16, 8192
BYTES_PER_NUMBER = 4
# Weights may be stored in half precision.
MOST_EXPANSION = 2.5


def refuse_vast(config: dict[str, Any], folder: Path) -> None:
    """Raise ArgumentError if a configuration describes a ``UNet2DModel`` larger than the weights in ``folder``.

    Where there is no such folder, as on a hub, only its layers and sizes are checked.
    """
    channels, layers = config.get("block_out_channels", []), config.get("layers_per_block", 1)
    if not isinstance(layers, int) or layers > MOST_LAYERS_PER_BLOCK or len(channels) > MOST_BLOCKS:
        raise ArgumentError(f"layers_per_block={layers} and {len(channels)} blocks are more than any network has")
    numbers = [*channels, *(value for value in config.values() if isinstance(value, int))]
    if max(numbers, default=0) > LARGEST_SIZE:
        raise ArgumentError(f"{max(numbers)} is more than any network has of anything")
    stored = sum(path.stat().st_size for path in folder.glob("diffusion_pytorch_model*")) if folder.is_dir() else None
    if stored is None:
        return
    from diffusers import UNet2DModel

    with torch.device("meta"):
        network = UNet2DModel.from_config(config)
    needed = BYTES_PER_NUMBER * sum(parameter.numel() for parameter in network.parameters())
    if needed > MOST_EXPANSION * stored:
        raise ArgumentError(f"config.json describes a network of {needed} bytes, the weights have {stored}")
