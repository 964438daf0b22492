"""Bootstrap intervals of FSC curves and resolutions over particles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from cryosense.data import ParticleDataError
from cryosense.errors import ArgumentError
from cryosense.metrics import HalfMapCurves, fsc_replicates, resolution_angstrom
from cryosense.tasks.maps.half_sums import HalfSums

FEWEST_PARTICLES = 2  # of a group


@dataclass(frozen=True)
class Bootstrap:
    """Intervals at ``level`` from ``replicates`` (0 for none) that resample ``groups`` of particles in each half set.

    Group sums are made in the same pass as the maps: memory grows with the groups (see ``HalfSums``), not with the particles
    or the replicates. Groups take particles in turn, in the order of the stack. Poses, CTFs and the soft mask are taken as
    they are: what their errors add is not in the intervals.

    Raises:
        ArgumentError: a number out of range, named in the message.
    """

    replicates: int
    groups: int
    level: float
    seed: int

    def __post_init__(self) -> None:
        if self.replicates < 0 or self.groups < 2 or not 0 < self.level < 1:
            raise ArgumentError(
                f"bootstrap={self.replicates}, bootstrap_groups={self.groups}, bootstrap_level={self.level}: give 0 "
                "replicates or more, 2 groups or more, and a level between 0 and 1"
            )

    @property
    def groups_in_use(self) -> int:
        """Number of groups whose sums are needed: none without replicates."""
        return self.groups if self.replicates else 0

    def group_of(self, numbers: Tensor) -> Tensor:
        """Return the groups (b,) of numbers in the stack (b,).

        Pairs follow each other, so odd and even particles get all groups.
        """
        return numbers // 2 % self.groups

    def check(self, half_set: Tensor) -> None:
        """Raise ParticleDataError if a group of a half set holds fewer than two of the n particles with half sets (n,)."""
        if not self.replicates:
            return
        cell = self.group_of(torch.arange(len(half_set))) * 2 + half_set
        if int(torch.bincount(cell, minlength=2 * self.groups).min()) < FEWEST_PARTICLES:
            raise ParticleDataError(
                f"bootstrap: {len(half_set)} particles are too few for bootstrap_groups={self.groups} in each half set: "
                "give fewer groups, or bootstrap=0"
            )

    def draw(
        self, sums: HalfSums, regularisation: float, halves: tuple[Tensor, Tensor], mask: Tensor, curves: HalfMapCurves
    ) -> dict[str, Tensor]:
        """Return resampled curves (replicates, n // 2 + 1) by name, the same particles in all; nothing without replicates."""
        if not self.replicates:
            return {}
        deviations = [sums.deviations(number, regularisation) for number in (0, 1)]
        draws = {}
        for name, weight in (("unmasked", torch.ones_like(mask)), ("masked", mask)):
            weighted = [volume * weight for volume in (*halves, *deviations)]
            draws[name] = fsc_replicates(*weighted, replicates=self.replicates, seed=self.seed)
        return {**draws, "corrected": curves.correct(draws["masked"])}

    def bands(self, draws: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return columns ``<curve>_low`` and ``<curve>_high`` (n // 2 + 1,): the interval of each shell by itself."""
        ends = torch.tensor(self._ends, dtype=torch.float64)
        bands = {}
        for name, curves in draws.items():
            bands[f"{name}_low"], bands[f"{name}_high"] = torch.quantile(curves, ends, dim=0)
        return bands

    def resolutions(
        self, draws: dict[str, Tensor], table: pd.DataFrame, box_size: int, pixel_size_angstrom: float
    ) -> pd.DataFrame:
        """Return the resolutions with ``interval_low_angstrom``, ``interval_high_angstrom``, empty for other curves."""
        ends = []
        for curve, threshold in zip(table["curve"], table["threshold"], strict=True):
            found = [resolution_angstrom(c, pixel_size_angstrom, box_size, float(threshold)) for c in draws.get(curve, ())]
            # A resolution that occurred: some may be infinite.
            ends.append(np.quantile(found, self._ends, method="inverted_cdf") if found else (np.nan, np.nan))
        low, high = zip(*ends, strict=True)
        return table.assign(interval_low_angstrom=low, interval_high_angstrom=high)

    @property
    def _ends(self) -> list[float]:
        return [(1 - self.level) / 2, (1 + self.level) / 2]
