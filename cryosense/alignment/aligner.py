"""Poses of particles against one map: calibrated once, then batch by batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from cryosense.alignment.calibration import Calibration, calibrated, calibrated_at, of_rows
from cryosense.alignment.coefficients import Disc, Observed, matched
from cryosense.alignment.polish import inverse, polished
from cryosense.alignment.posterior import Posterior, posterior, starts
from cryosense.alignment.reference import Reference
from cryosense.alignment.schedule import FIRST_ORDER, levels
from cryosense.alignment.search import PoseSearch
from cryosense.cpu_tiles import in_equal_portions
from cryosense.errors import ArgumentError
from cryosense.shown import ShowsInModule
from cryosense.volumes.symmetry import point_group

CALIBRATION_ORDER = 3
STARTS = 4  # starts of polishing
PORTION = 8  # rounding of products depends on the number of particles: always this many


@dataclass(frozen=True)
class Fineness:
    """How far poses are searched.

    Attributes:
        last_order: order of the last grid, whose spacing is 60 / 2^order degrees: 3 for 7.5, 5 for 1.9.
        polish: go on from its best cell to the maximum of the likelihood.
        marginal: instead take the most likely rotation with shifts summed out, and means around it; without polish.
        shift_radius_pixels: origins are searched this far from the image's centre.
        pad_factor: pad factor of the reference; see ``Projector``.

    Raises:
        ArgumentError: a value out of range, named in the message.
    """

    last_order: int = 4
    polish: bool = True
    marginal: bool = False
    shift_radius_pixels: float = 5.0
    pad_factor: int = 2

    def __post_init__(self) -> None:
        if not FIRST_ORDER <= self.last_order <= 8:
            raise ArgumentError(f"last_order={self.last_order}: grids go from order {FIRST_ORDER} (15 degrees) to 8")
        if not self.shift_radius_pixels >= 0 or self.pad_factor < 1:
            raise ArgumentError(
                f"shift_radius_pixels={self.shift_radius_pixels} must be 0 or more and pad_factor={self.pad_factor} 1 or more"
            )
        if self.marginal and self.polish:
            raise ArgumentError("marginal takes means over the grid, polish takes the one best pose: choose one")


class Aligned(NamedTuple):
    """The posterior of b particles, and the pose's standard deviation (b,) by its curvature: degrees, and pixels of origin.

    The deviations are infinite where the pose was not polished.
    """

    posterior: Posterior
    deviation_deg: Tensor
    deviation_pixels: Tensor


class Aligner(ShowsInModule, nn.Module):
    """Matches particles with a map (n, n, n) inside ``limit`` Fourier pixels.

    Raises:
        ArgumentError: a limit outside the box.
    """

    operations: Tensor

    def __init__(self, volume: Tensor, limit: int, symmetry: str, fineness: Fineness) -> None:
        super().__init__()
        self.fineness, self.symmetry = fineness, symmetry
        self.register_buffer("operations", point_group(symmetry), persistent=False)
        n = volume.shape[-1]
        if not 1 <= limit < n // 2:
            raise ArgumentError(f"frequency limit of {limit} Fourier pixels: give 1 to {n // 2 - 1} in a box of {n} px")
        self.disc = Disc(n, limit)
        self.reference = Reference(volume, self.disc, fineness.pad_factor)
        self.search = PoseSearch(
            self.reference, levels(fineness.last_order, limit, n), symmetry, fineness.shift_radius_pixels, False
        )

    def calibrate(self, particles: Observed) -> Calibration:
        """Return amplitude and noise from some hundred particles. Raises CryosenseError if they do not show the reference."""
        fineness, n = self.fineness, self.disc.box_size
        coarse = levels(min(CALIBRATION_ORDER, fineness.last_order), self.disc.limit, n)
        free = PoseSearch(self.reference, coarse, self.symmetry, fineness.shift_radius_pixels, True)
        return calibrated(particles, free)

    def calibrate_at(
        self, particles: Observed, rotations: Tensor, origins_pixels: Tensor, amplitude: float | None
    ) -> Calibration:
        """Return the noise at known poses (b, 3, 3), (b, 2), and the amplitude unless it is known."""
        return calibrated_at(particles, self.reference, rotations, origins_pixels, amplitude)

    @torch.no_grad()
    def forward(self, particles: Observed, calibration: Calibration) -> Aligned:
        """Return the poses of b particles; a particle's result does not depend on what others come with it."""
        rows = torch.arange(len(particles.spectrum), device=particles.spectrum.device)
        made = in_equal_portions(lambda some: self._portion(of_rows(particles, some), calibration), rows, PORTION)
        return Aligned(Posterior(*made[:-2]), *made[-2:])

    def _portion(self, particles: Observed, calibration: Calibration) -> tuple[Tensor, ...]:
        noise = calibration.noise_power[self.disc.shells]
        data = matched(particles, noise).scaled(calibration.amplitude)
        order = self.search.levels[-1].order
        candidates = self.search(data)
        found = posterior(candidates, order, self.operations, marginal=self.fineness.marginal)
        unknown = torch.full_like(found.log_likelihood, torch.inf)
        if not self.fineness.polish:
            return (*found, unknown, unknown)
        best = polished(self.reference, data, *starts(candidates, order, STARTS))
        variance = inverse(best.information).diagonal(dim1=1, dim2=2).clamp_min(0)
        found = found._replace(
            rotations=best.rotations, origins_pixels=best.origins_pixels, log_likelihood=best.log_likelihood
        )
        x, y, z, shift_x, shift_y = variance.unbind(1)  # sums of columns round by where in the batch a row stands
        return (*found, torch.rad2deg((x + y + z).sqrt()), ((shift_x + shift_y) / 2).sqrt())
