"""Fourier shell correlation in cones: resolution by direction (Diebolder et al. 2015; Tan et al. 2017)."""

from __future__ import annotations

import torch
from torch import Tensor

from cryosense.errors import ArgumentError
from cryosense.fourier import half_space_multiplicity, half_spectrum
from cryosense.metrics.fsc import require_maps
from cryosense.metrics.shells import correlation, shells_in_portions

GOLDEN_ANGLE = torch.pi * (3 - 5**0.5)
# With fewer independent coefficients a correlation is chance: its standard error is about 0.35.
FEWEST_COEFFICIENTS = 4
POINTS_AT_A_TIME = 2**14


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
    least_cosine = torch.cos(torch.deg2rad(torch.tensor(half_angle_deg)))
    n = volume1.shape[-1]
    spectra = [half_spectrum(volume, 3).flatten() for volume in (volume1, volume2)]
    whole = correlation(*(spectrum.view(n, n, -1) for spectrum in spectra), ndim=3)
    times = half_space_multiplicity(n).expand(n, n, -1).flatten()
    curves = whole.repeat(len(directions), 1)
    for shell, members in enumerate(_members(n)):
        sums = torch.zeros(len(directions), 4, dtype=torch.float64)
        for points in members.split(POINTS_AT_A_TIME) if shell else ():
            one, two = (spectrum[points].to(torch.complex128) for spectrum in spectra)
            terms = [(one * two.conj()).real, one.abs().square(), two.abs().square(), torch.full_like(one.real, 0.5)]
            inside = (_unit_vectors(points, n) @ directions.to(torch.float32).T).abs_() >= least_cosine
            # A narrow cone holds few points: they are looked up, which costs less than a product with all of them.
            point, cone = inside.nonzero().unbind(1)
            sums.index_add_(0, cone, (torch.stack(terms, dim=1) * times[points, None])[point])
        cross, power1, power2, independent = sums.unbind(1)
        norm = torch.sqrt(power1 * power2)
        enough = (independent >= FEWEST_COEFFICIENTS) & (norm > 0)
        curves[:, shell] = torch.where(enough, cross / norm.where(enough, torch.ones_like(norm)), curves[:, shell])
    return curves


def _members(n: int) -> tuple[Tensor, ...]:
    """Return for each shell to Nyquist the flat indices of its points in the half spectrum."""
    shells = torch.cat([shell.flatten() for _, shell in shells_in_portions(n, 3)])
    sizes = torch.bincount(shells)[: n // 2 + 1]
    return shells.to(torch.int16).argsort(stable=True)[: int(sizes.sum())].split(sizes.tolist())


def _unit_vectors(points: Tensor, n: int) -> Tensor:
    """Return the directions x, y, z, (q, 3) float32, of points with flat indices (q,) in a half spectrum."""
    width = n // 2 + 1
    rows = points // width
    z, y = ((index + n // 2) % n - n // 2 for index in (rows // n, rows % n))
    vectors = torch.stack([points % width, y, z], dim=-1).float()
    return vectors / vectors.norm(dim=-1, keepdim=True)
