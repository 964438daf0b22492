"""Half maps of poses that were found, and what of them is used to find poses next."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd
import torch
from torch import Tensor

from cryosense.alignment import low_passed
from cryosense.metrics import fsc, resolution_angstrom
from cryosense.tasks.maps.half_sums import HalfSums
from cryosense.tasks.maps.slices import slices_through
from cryosense.tasks.poses.alignment import Alignment, in_sphere
from cryosense.volumes.poses import rotation_matrices
from cryosense.volumes.symmetry import point_group

ANGLES, ORIGINS = ["rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi"], ["rlnOriginXAngst", "rlnOriginYAngst"]
THRESHOLD = 0.143


class HalfMaps(NamedTuple):
    """Two maps (n, n, n) inside a sphere, and their FSC (n // 2 + 1,)."""

    maps: tuple[Tensor, Tensor]
    curve: Tensor

    def resolution_angstrom(self, pixel_size_angstrom: float) -> float:
        """Return where the FSC first falls below 0.143 in Angstrom; infinity if it is never above."""
        return resolution_angstrom(self.curve, pixel_size_angstrom, self.maps[0].shape[-1], THRESHOLD)

    def reference(self, half: int) -> Tensor:
        """Return one of the two, (n, n, n), with each shell times its FSC, up to the first shell below 0.143.

        For a map of signal-to-noise ratio s in a shell, FSC = s / (1 + s), that product is the mean of the signal given the
        map. Nothing comes from the other half but the curve.
        """
        below = (self.curve[1:] < THRESHOLD).nonzero()[:, 0]
        gain = self.curve.clamp(0, 1).clone()
        gain[0] = 1
        if len(below):
            gain[int(below[0]) + 1 :] = 0
        return low_passed(self.maps[half], gain.to(self.maps[half]))


def poses_of(table: pd.DataFrame) -> tuple[Tensor, Tensor]:
    """Return rotations (b, 3, 3) float64 and origins (b, 2) in Angstrom from the columns of ``pose_columns``."""
    angles, origins = (torch.tensor(table[names].to_numpy(dtype=float)) for names in (ANGLES, ORIGINS))
    return rotation_matrices(angles), origins


def new_sums(task: Alignment, pad_factor: int) -> HalfSums:
    """Return the sums of no particle yet."""
    return HalfSums(task.known.box_size, pad_factor, 0).to(task.there)


@torch.no_grad()
def insert(sums: HalfSums, task: Alignment, rows: Tensor, table: pd.DataFrame, chunk_size: int) -> None:
    """Add what was measured of particles (m,) with a row of poses each to the sums of their half sets, symmetry imposed."""
    known, operations = task.known, point_group(task.symmetry)
    rotations, origins = poses_of(table)
    for places in torch.arange(len(rows)).split(chunk_size):
        some = rows[places]
        added, origin = task.particles.of(some), origins[places].float().to(task.there)
        terms = added.weighed(
            slices_through(known.optics, added.images[:, 0], some, origin, added.shares, known.pixel_size_angstrom)
        )
        nothing = torch.zeros_like(some)
        sums.insert(terms, rotations[places].float(), known.half_set[some], nothing, torch.zeros(1), operations)


def half_maps(sums: HalfSums, regularisation: float) -> HalfMaps:
    """Return the half maps of these sums. Where nothing was measured their FSC is 0: what the sphere leaks there agrees."""
    first, second = (in_sphere(sums.of_half(number).volume(regularisation).cpu()) for number in (0, 1))
    curve = fsc(first, second)
    curve[min(sums.of_half(number).last_shell() for number in (0, 1)) + 1 :] = 0
    return HalfMaps((first, second), curve)
