"""Fourier shell correlation in cones: resolution by direction (Diebolder et al. 2015; Tan et al. 2017)."""

from __future__ import annotations

import torch
from torch import Tensor

from cryosense.errors import ArgumentError
from cryosense.fourier import half_spectrum
from cryosense.metrics.fsc import require_maps
from cryosense.metrics.shells import correlation

GOLDEN_ANGLE = torch.pi * (3 - 5**0.5)
# With fewer independent coefficients a correlation is chance: its standard error is about 0.35.
FEWEST_COEFFICIENTS = 4


def half_sphere(count: int) -> Tensor:
    """Return unit vectors x, y, z with z > 0, (count, 3) float64, evenly spread over half a sphere: a Fibonacci lattice.

    Raises:
        ArgumentError: a count below 1.
    """
    if count < 1:
        raise ArgumentError(f"directions={count}: give 1 or more")
    number = torch.arange(count, dtype=torch.float64) + 0.5
    z, angle = 1 - number / count, GOLDEN_ANGLE * number
    across = torch.sqrt(1 - z**2)
    return torch.stack([across * torch.cos(angle), across * torch.sin(angle), z], dim=-1)


def conical_fsc(volume1: Tensor, volume2: Tensor, directions: Tensor, half_angle_deg: float) -> Tensor:
    """Return the FSC over the coefficients within a double cone about each direction, (d, n // 2 + 1).

    Where fewer than four coefficients of a shell lie in a cone, the value is that of the whole shell.

    Args:
        volume1: (n, n, n) map.
        volume2: (n, n, n) map.
        directions: (d, 3) unit vectors x, y, z.
        half_angle_deg: half-angle of the cones in degrees.

    Raises:
        ArgumentError: maps that are not cubes of one size, or an angle outside (0, 90].
    """
    if not 0 < half_angle_deg <= 90:
        raise ArgumentError(f"half_angle_deg={half_angle_deg:g}: give the half-angle of a cone, above 0 and up to 90")
    require_maps(volume1, volume2)
    from cryosense.metrics.compiled import add_to_cones

    n = volume1.shape[-1]
    spectra = [half_spectrum(volume, 3) for volume in (volume1, volume2)]
    whole = correlation(*spectra, ndim=3)
    sums = torch.zeros(n // 2 + 1, len(directions), 4, dtype=torch.float64)
    one, other = (spectrum.to(torch.complex128).numpy() for spectrum in spectra)
    least_cosine = torch.cos(torch.deg2rad(torch.tensor(half_angle_deg))).numpy()[()]
    add_to_cones(one, other, directions.float().contiguous().numpy(), least_cosine, sums.numpy())
    cross, power1, power2, independent = sums.transpose(0, 1).unbind(-1)
    norm = torch.sqrt(power1 * power2)
    enough = (independent >= FEWEST_COEFFICIENTS) & (norm > 0)
    return torch.where(enough, cross / norm.where(enough, torch.ones_like(norm)), whole)
