"""Where the work of a run is done, by the name that a user gives: auto, cpu, cuda."""

from __future__ import annotations

import torch
from torch import Tensor

from cryosense.errors import ArgumentError

CPU = torch.device("cpu")
NAMES = ("auto", "cpu", "cuda")


def device_named(name: str) -> torch.device:
    """Return the device of that name; ``auto`` is a CUDA device where torch finds one, else the CPU.

    Results agree between devices to the rounding of float32 (see ``float32_kept``), and are the same in every run on the CPU.

    Raises:
        ArgumentError: another name, or ``cuda`` where torch finds no such device.
    """
    if name not in NAMES:
        raise ArgumentError(f"device={name}: one of {', '.join(NAMES)}")
    found = torch.cuda.is_available() if name != "cpu" else False
    if name == "cuda" and not found:
        raise ArgumentError("device=cuda: torch finds no CUDA device here; give device=cpu, or auto for what there is")
    return torch.device("cuda" if found else "cpu")


def to_be_moved(images: Tensor, device: torch.device) -> Tensor:
    """Return images of the CPU in memory from which the device fetches them while it works (pinned), as ``moved`` does."""
    return images.pin_memory() if device.type == "cuda" else images


def moved(images: Tensor, device: torch.device) -> Tensor:
    """Return images of the CPU on the device; what comes next there waits for them, this process does not."""
    return images.to(device, non_blocking=True)


def wait_for(device: torch.device) -> None:
    """Return when what was begun on the device is done, so that it can be timed."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
