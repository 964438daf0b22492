"""Points of given weight, drawn as Gaussians on a grid."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from cryosense.errors import ArgumentError


@dataclass(frozen=True)
class PseudoAtoms:
    """Points in Angstrom: positions (m, 3) as x, y, z from the centre of the box, and weights (m,)."""

    positions_angstrom: Tensor
    weights: Tensor

    def render(self, box_size: int, pixel_size_angstrom: float, resolution_angstrom: float) -> Tensor:
        """Draw each point as a Gaussian whose transform falls to 1 / e at 1 / ``resolution_angstrom``.

        That width is the convention of molmap in UCSF Chimera (Pettersen et al. 2004): sigma = resolution / (sqrt(2) pi). The
        Gaussians are exact and band-limited to the grid, not sampled; the voxels sum to the sum of the weights.

        Returns:
            The density, (n, n, n) float32, indexed z, y, x.

        Raises:
            ArgumentError: a point lies closer to the edge of the box than ``resolution_angstrom``.
        """
        self._refuse_small_box(box_size * pixel_size_angstrom, resolution_angstrom)
        x, y, z = (
            _profiles(position, box_size, pixel_size_angstrom, resolution_angstrom) for position in self.positions_angstrom.T
        )
        weighted = z * self.weights[:, None]
        # One slab at a time: all at once would take m n^2 numbers.
        return torch.stack([(y * weighted[:, k : k + 1]).T @ x for k in range(box_size)])

    def _refuse_small_box(self, box_angstrom: float, margin_angstrom: float) -> None:
        needed = 2 * (float(self.positions_angstrom.abs().max()) + margin_angstrom)
        if needed > box_angstrom:
            raise ArgumentError(
                f"the molecule needs a box of {needed:.0f} Å, box_size x pixel_size_angstrom is {box_angstrom:.0f} Å: "
                "make one of them larger"
            )


def _profiles(position: Tensor, box_size: int, pixel_size_angstrom: float, resolution_angstrom: float) -> Tensor:
    """Return one-dimensional Gaussians (m, n) as sums of their harmonics below Nyquist, each summing to 1."""
    n = box_size
    harmonic = torch.arange(1, n // 2, dtype=torch.float64)
    frequency = harmonic / (n * pixel_size_angstrom)
    # exp(-2 pi^2 sigma^2 f^2) with sigma = resolution / (sqrt(2) pi).
    amplitude = 2 * torch.exp(-((resolution_angstrom * frequency) ** 2))
    at_atom = 2 * math.pi * position.double()[:, None] * frequency
    at_pixel = 2 * math.pi * (torch.arange(n, dtype=torch.float64) - n // 2)[:, None] * pixel_size_angstrom * frequency
    waves = (amplitude * torch.cos(at_atom)) @ torch.cos(at_pixel).T + (amplitude * torch.sin(at_atom)) @ torch.sin(at_pixel).T
    return ((1 + waves) / n).float()
