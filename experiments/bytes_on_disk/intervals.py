"""Intervals of equivalent particles from the half maps alone: a jackknife over sectors of Fourier space.

The noise of a map's coefficients is nearly independent, and so is what quantisation adds to it. Leaving out one sector of
directions after the other (a coefficient and its Friedel mate are in one) says how much chance there is in a number that is
made of all of them, given the particles' poses and CTFs. The same sectors are left out of both sides of a comparison.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from cryosense.data.maps import read_map
from cryosense.errors import ArgumentError
from cryosense.fourier import half_spectrum
from cryosense.metrics import equivalent_particles, sphere_mask
from cryosense.metrics.shells import shell_products

AZIMUTHS, HEIGHTS = 4, 3
SECTORS = AZIMUTHS * HEIGHTS
T_95 = 2.201  # of Student's distribution with 11 degrees of freedom


def sector_of(n: int) -> Tensor:
    """-> the sector (n, n, n // 2 + 1) of each coefficient of a half spectrum, of about as many coefficients each."""
    axis = (torch.arange(n) + n // 2) % n - n // 2
    z, y, x = torch.meshgrid(axis, axis, torch.arange(n // 2 + 1), indexing="ij")
    azimuth = torch.atan2(y.double(), x.double()) % math.pi  # of a coefficient and its mate alike
    height = (z.abs() / (x**2 + y**2 + z**2).double().sqrt().clamp_min(1)).double()
    ring = (height * HEIGHTS).long().clamp_max(HEIGHTS - 1)
    return (azimuth / math.pi * AZIMUTHS).long().clamp_max(AZIMUTHS - 1) * HEIGHTS + ring


def spectra(maps: Path) -> list[Tensor]:
    """-> the half spectra of half maps under the sphere under which `cryosense backproject` compares them."""
    halves = [read_map(maps / f"half{i}.mrc").values.double() for i in (1, 2)]
    n = halves[0].shape[-1]
    edge = n // 8
    sphere = sphere_mask(halves[0], 1.0, radius_angstrom=n / 2 - edge, edge_pixels=edge)
    return [half_spectrum(half * sphere, 3) for half in halves]


def products(maps: Path, uncompressed: Path) -> Tensor:
    """-> sums over shells in each sector, (sectors, 6, shells): of half maps with themselves, and of those compared."""
    (q1, q2), (u1, u2) = spectra(maps), spectra(uncompressed)
    sectors = sector_of(q1.shape[0])
    sums = []
    for sector in range(SECTORS):
        inside = (sectors == sector).double()
        pairs = ((q1, q1), (q2, q2), (u1, u1), (u2, u2), (q1, u2), (q2, u1), (u1, u2))
        sums.append(torch.stack([shell_products(a * inside, b, ndim=3) for a, b in pairs]))
    return torch.stack(sums)


def curves(sums: Tensor) -> tuple[Tensor, Tensor]:
    """-> the FSC by the cross-FSC, and that of the uncompressed half maps, from sums (6, shells)."""
    q1, q2, u1, u2, across1, across2, both = sums.clone()
    own = both / (u1 * u2).sqrt().clamp_min(1e-30)
    across = (across1 / (q1 * u2).sqrt().clamp_min(1e-30) + across2 / (q2 * u1).sqrt().clamp_min(1e-30)) / 2
    return (across.clamp_min(0) ** 2 / own.clamp_min(1e-3)).clamp(max=1), own


def worth(sums: Tensor) -> float:
    """-> equivalent particles as a share of the particles."""
    return equivalent_particles(*curves(sums), 1)


def half_width(sums: Tensor, number: Callable[[Tensor], float] = worth) -> float:
    """-> half the 95 % interval of a number made of sums over sectors, by the jackknife; NaN where nothing is resolved."""
    whole = sums.sum(0)
    try:
        left = np.array([number(whole - one) for one in sums])
    except ArgumentError:
        return math.nan
    return float(T_95 * math.sqrt((len(left) - 1) / len(left) * ((left - left.mean()) ** 2).sum()))
