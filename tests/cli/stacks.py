"""Stacks for commands to work on."""

from pathlib import Path

import torch

from cryosense.data import StackWriter


def noise_stack(folder: Path, count: int, box_size: int) -> Path:
    """-> particles.mrcs in a folder: white noise at a level of 5, pixels of 2.5 Å."""
    path = folder / "particles.mrcs"
    with StackWriter(path, count, box_size, 2.5) as writer:
        writer.write(0, 5 + torch.randn(count, 1, box_size, box_size, generator=torch.Generator().manual_seed(0)))
        writer.finish()
    return path
