"""The sums of two half sets, kept on disk while a run goes on, and added up over its shards."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from cryosense.errors import RunError
from cryosense.files.untrusted import read_torch
from cryosense.files.writing import write_torch
from cryosense.shown import ShowsInModule
from cryosense.volumes.backproject import SliceAccumulator, Slices


class HalfSums(ShowsInModule, nn.Module):
    """Sums of half sets 0 and 1, how many particles are in each (2,), and what was measured of them in all.

    With ``groups`` above 0, also the sums of that many groups of particles in each half, on grids without padding: at pad
    factor 2 eight groups take as much memory as the half sets themselves. They serve only to find the scatter of maps.
    """

    particles: Tensor
    measured: Tensor

    def __init__(self, box_size: int, pad_factor: int, groups: int) -> None:
        super().__init__()
        self.box_size = box_size
        self.halves = nn.ModuleList([SliceAccumulator(box_size, pad_factor) for _ in range(2)])
        self.groups = nn.ModuleList([SliceAccumulator(box_size, 1) for _ in range(2 * groups)])
        self.register_buffer("particles", torch.zeros(2, dtype=torch.int64))
        self.register_buffer("measured", torch.zeros((), dtype=torch.float64))

    def of_half(self, number: int) -> SliceAccumulator:
        """Return the sums of half set 0 or 1."""
        return _sums(self.halves, number)

    def groups_of_half(self, number: int) -> list[SliceAccumulator]:
        """Return the sums of the groups of half set 0 or 1."""
        return [_sums(self.groups, i) for i in range(number, len(self.groups), 2)]

    def insert(
        self, terms: Slices, rotations: Tensor, half_set: Tensor, group: Tensor, rank: Tensor, symmetry: Tensor
    ) -> None:
        """Add b slices, each once for each symmetry operation.

        Args:
            terms: the slices.
            rotations: (b, 3, 3) image-to-map rotations.
            half_set: (b,) 0 or 1.
            group: (b,) group of each.
            rank: (1 or b,) measured degrees of freedom.
            symmetry: (g, 3, 3) operations.
        """
        device = terms.weight.device
        turned = [operation @ rotations for operation in symmetry.to(rotations.dtype)]
        parts = [(self.of_half(number), half_set == number) for number in (0, 1)]
        parts += [(_sums(self.groups, i), (half_set == i % 2) & (group == i // 2)) for i in range(len(self.groups))]
        for sums, chosen in parts:
            part = Slices(terms.numerator[chosen], terms.weight[chosen])
            for matrices in turned if bool(chosen.any()) else []:
                sums.insert(part, matrices[chosen])
        self.particles += torch.bincount(half_set, minlength=2).to(device)
        self.measured += rank.double().expand(len(half_set)).sum().to(device)

    def add(self, other: HalfSums) -> None:
        """Add the sums of other particles."""
        for mine, theirs in ((self.halves, other.halves), (self.groups, other.groups)):
            for i in range(len(mine)):
                _sums(mine, i).add(_sums(theirs, i))
        self.particles += other.particles
        self.measured += other.measured

    def into_full(self) -> SliceAccumulator:
        """Return the sums of both half sets, made in place of these: the half sets' own are given up, groups are kept."""
        full, other = self.of_half(0), self.of_half(1)
        full.add(other)
        self.halves = nn.ModuleList()
        return full

    def deviations(self, number: int, regularisation: float) -> Tensor:
        """Return what half map 0 or 1 gains from each of its groups, (groups, n, n, n); see ``SliceAccumulator.deviation``."""
        parts = self.groups_of_half(number)
        whole = SliceAccumulator(parts[0].box_size, 1).to(self.particles.device)
        for part in parts:
            whole.add(part)
        return torch.stack([whole.deviation(part, regularisation).cpu() for part in parts])

    def save(self, path: Path) -> None:
        """Write the sums under this name, whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        write_torch(path, {name: values.cpu() for name, values in self.state_dict().items()})

    def load(self, path: Path) -> None:
        """Read what ``save`` wrote for the same box and pad factor. Raises RunError for anything else."""
        device, state = self.particles.device, cast(dict[str, Tensor], read_torch(path))
        try:
            there = {name: values.to(device, self.get_buffer(name).dtype, copy=True) for name, values in state.items()}
            self.load_state_dict(there, assign=True)
        except (RuntimeError, TypeError, AttributeError) as error:
            raise RunError(f"{path}: holds sums of another run: remove it and run again") from error


def _sums(modules: nn.ModuleList, number: int) -> SliceAccumulator:
    module = modules[number]
    assert isinstance(module, SliceAccumulator)
    return module
