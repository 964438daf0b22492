"""Noise for samplers that is a function of seed, particle, sample and draw, and of nothing else."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from cryosense import seeding
from cryosense.runs.devices import moved, to_be_moved

SAMPLER_STREAM = 16  # of the generator of (seed, particle): lower streams are used elsewhere
DRAWS_PER_SAMPLE = 2**20
MOST_THREADS = 16


def keyed_noise(seed: int, keys: Sequence[tuple[int, int]], box_size: int, like: Tensor) -> Callable[[int], Tensor]:
    """Return a function that makes standard normal draw number i, (b, 1, n, n), for b keys: particle and sample.

    ``like``: a tensor of the kind and on the device that draws shall be.
    """
    shape = (1, box_size, box_size)
    # While a GPU works the cores are free.
    threads = 1 if like.device.type == "cpu" else min(os.cpu_count() or 1, MOST_THREADS)

    def draw(i: int) -> Tensor:
        streams = [(particle, SAMPLER_STREAM + sample * DRAWS_PER_SAMPLE + i) for particle, sample in keys]
        drawn = torch.from_numpy(seeding.standard_normals(seed, streams, shape, threads)).to(like.dtype)
        return moved(to_be_moved(drawn, like.device), like.device)

    return draw
