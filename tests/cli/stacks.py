"""Stacks for commands to work on."""

from pathlib import Path

import pytest
import torch

from cryosense.data import StackWriter
from tests.cli.verbs import cryosense

MASK = ["soft_mask=sphere", "soft_mask.radius_angstrom=50"]  # around the molecule of simulated_set


def stack(path: Path, images: torch.Tensor, pixel_size_angstrom: float = 3.0) -> Path:
    """-> the path, where images (b, 1, n, n) now are."""
    with StackWriter(path, len(images), images.shape[-1], pixel_size_angstrom) as writer:
        writer.write(0, images)
        writer.finish()
    return path


def smooth_images(count: int, box_size: int, random: torch.Generator) -> torch.Tensor:
    """-> clean images (count, 1, box_size, box_size) for noise to be added to."""
    return torch.nn.functional.avg_pool2d(torch.randn(count, 1, box_size, box_size, generator=random), 5, 1, 2)


def noise_stack(folder: Path, count: int, box_size: int) -> Path:
    """-> particles.mrcs in a folder: white noise at a level of 5, pixels of 2.5 Å."""
    noise = torch.randn(count, 1, box_size, box_size, generator=torch.Generator().manual_seed(0))
    return stack(folder / "particles.mrcs", 5 + noise, 2.5)


def simulated_set(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """-> the folder, now the current directory, with 600 particles of 32 px in its folder ``set``."""
    monkeypatch.chdir(folder)
    size = ["box_size=32", "pixel_size_angstrom=6.0", "density.resolution_angstrom=12.0"]
    cryosense(monkeypatch, "simulate", "output_dir=set", *size, "count=600", "snr=0.1", "seed=1")
    return folder
