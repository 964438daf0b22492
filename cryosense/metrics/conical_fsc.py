"""Fourier shell correlation in cones: resolution by direction (Diebolder et al. 2015; Tan et al. 2017)."""

from __future__ import annotations

import torch
from torch import Tensor

from cryosense.errors import ArgumentError
from cryosense.fourier import half_space, half_space_multiplicity, half_space_shells
from cryosense.metrics.fsc import fsc

GOLDEN_ANGLE = torch.pi * (3 - 5**0.5)
# Of fewer independent coefficients a correlation is chance: its standard error is about 0.35.
FEWEST_COEFFICIENTS = 4


def half_sphere(count: int) -> Tensor:
    """-> (count, 3) float64 unit vectors x, y, z, z > 0, evenly spread over half a sphere: a Fibonacci lattice.

    Raises:
        ArgumentError: no direction is asked for.
    """
    if count < 1:
        raise ArgumentError(f"directions={count}: give 1 or more")
    number = torch.arange(count, dtype=torch.float64) + 0.5
    z, angle = 1 - number / count, GOLDEN_ANGLE * number
    across = torch.sqrt(1 - z**2)
    return torch.stack([across * torch.cos(angle), across * torch.sin(angle), z], dim=-1)


def conical_fsc(volume1: Tensor, volume2: Tensor, directions: Tensor, half_angle_deg: float) -> Tensor:
    """(n, n, n) twice, (d, 3) unit vectors x, y, z -> (d, n // 2 + 1): FSC over the coefficients within a double cone of each.

    Where fewer than four coefficients of a shell lie in a cone, the value is that of the whole shell.

    Raises:
        ArgumentError: maps that are not cubes of one size, or an angle outside (0, 90].
    """
    if not 0 < half_angle_deg <= 90:
        raise ArgumentError(f"half_angle_deg={half_angle_deg:g}: give the half-angle of a cone, above 0 and up to 90")
    whole = fsc(volume1, volume2)
    n = volume1.shape[-1]
    shell = half_space_shells(n)
    used = (shell <= n // 2) & (shell > 0)
    shell, unit = shell[used], _unit_vectors(n)[used]
    multiplicity = half_space_multiplicity(n).expand(n, n, -1)[used]
    one, two = (half_space(volume.double())[used] for volume in (volume1, volume2))
    terms = [(one * two.conj()).real, one.abs().square(), two.abs().square(), torch.full_like(one.real, 0.5)]
    terms = [values * multiplicity for values in terms]
    least_cosine = torch.cos(torch.deg2rad(torch.tensor(half_angle_deg)))
    curves = []
    for direction in directions.to(unit.dtype):
        inside = ((unit @ direction).abs() >= least_cosine).nonzero()[:, 0]
        sums = (torch.bincount(shell[inside], values[inside], minlength=n // 2 + 1) for values in terms)
        cross, power1, power2, independent = sums
        norm = torch.sqrt(power1 * power2)
        enough = (independent >= FEWEST_COEFFICIENTS) & (norm > 0)
        curves.append(torch.where(enough, cross / norm.where(enough, torch.ones_like(norm)), whole))
    return torch.stack(curves)


def _unit_vectors(n: int) -> Tensor:
    """-> (n, n, n // 2 + 1, 3) float32: directions x, y, z of the points of :func:`half_space`; the origin's is 0."""
    axis = torch.arange(n) - n // 2
    z, y, x = torch.meshgrid(axis, axis, torch.arange(n // 2 + 1), indexing="ij")
    vectors = torch.stack([x, y, z], dim=-1).float()
    return vectors / vectors.norm(dim=-1, keepdim=True).clamp_min(1)
