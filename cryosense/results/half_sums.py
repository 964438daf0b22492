"""The sums of two half sets, kept on disk while a run goes on, and added up over its shards."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from cryosense.results.rows import written_whole
from cryosense.volumes.backproject import SliceAccumulator, Slices


class HalfSums(nn.Module):
    """Sums of half sets 0 and 1, how many particles are in each (2,), and what was measured of them in all."""

    particles: Tensor
    measured: Tensor

    def __init__(self, box_size: int, pad_factor: int) -> None:
        super().__init__()
        self.halves = nn.ModuleList([SliceAccumulator(box_size, pad_factor) for _ in range(2)])
        self.register_buffer("particles", torch.zeros(2, dtype=torch.int64))
        self.register_buffer("measured", torch.zeros((), dtype=torch.float64))

    def of_half(self, number: int) -> SliceAccumulator:
        """-> the sums of half set 0 or 1."""
        half = self.halves[number]
        assert isinstance(half, SliceAccumulator)
        return half

    def insert(self, terms: Slices, rotations: Tensor, half_set: Tensor, rank: Tensor, symmetry: Tensor) -> None:
        """b slices, (b, 3, 3), (b,) 0 or 1, (1 or b,) measured degrees of freedom, (g, 3, 3): each slice goes in g times."""
        for number in (0, 1):
            chosen = half_set == number
            part = Slices(terms.numerator[chosen], terms.weight[chosen])
            for operation in symmetry.to(rotations.dtype):
                self.of_half(number).insert(part, operation @ rotations[chosen])
            self.particles[number] += chosen.sum()
        self.measured += rank.double().expand(len(half_set)).sum()

    def add(self, other: HalfSums) -> None:
        """Add the sums of other particles."""
        for number in (0, 1):
            self.of_half(number).add(other.of_half(number))
        self.particles += other.particles
        self.measured += other.measured

    def full(self) -> SliceAccumulator:
        """-> the sums of both half sets."""
        both = SliceAccumulator(self.of_half(0).box_size, self.of_half(0).pad_factor)
        for number in (0, 1):
            both.add(self.of_half(number))
        return both

    def save(self, path: Path) -> None:
        """Write the sums under this name, whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(path) as unfinished:
            torch.save(self.state_dict(), unfinished)

    def load(self, path: Path) -> None:
        """Read what :meth:`save` wrote for the same box and pad factor."""
        self.load_state_dict(torch.load(path, weights_only=True))
