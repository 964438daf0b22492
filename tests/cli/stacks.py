"""Stacks for commands to work on."""

from pathlib import Path

import pytest
import torch

from cryosense.data import StackWriter
from tests.cli.verbs import cryosense

MASK = ["soft_mask=sphere", "soft_mask.radius_angstrom=50"]  # around the molecule of simulated_set


def noise_stack(folder: Path, count: int, box_size: int) -> Path:
    """-> particles.mrcs in a folder: white noise at a level of 5, pixels of 2.5 Å."""
    path = folder / "particles.mrcs"
    with StackWriter(path, count, box_size, 2.5) as writer:
        writer.write(0, 5 + torch.randn(count, 1, box_size, box_size, generator=torch.Generator().manual_seed(0)))
        writer.finish()
    return path


def simulated_set(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """-> the folder, now the current directory, with 600 particles of 32 px in its folder ``set``."""
    monkeypatch.chdir(folder)
    size = ["box_size=32", "pixel_size_angstrom=6.0", "density.resolution_angstrom=12.0"]
    cryosense(monkeypatch, "simulate", "output_dir=set", *size, "count=600", "snr=0.1", "seed=1")
    return folder
