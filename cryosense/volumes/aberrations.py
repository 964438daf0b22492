"""What an optics group does to images beyond the CTF: magnification, beam tilt and Zernike polynomials, as in RELION.

Zivanov, Nakane and Scheres 2020 (IUCrJ 7): the coefficient of an image at k is what it would be at ``M k`` without
anisotropic magnification, M the magnification matrix. There, even polynomials change the phase of the CTF, and odd ones
rotate the coefficient's phase.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import comb, isqrt
from typing import TypeVar

import torch
from torch import Tensor

from cryosense.volumes.magnification import NONE, Matrix

ANGSTROM_PER_MILLIMETRE, MILLIRADIANS = 1e7, 1e3
Number = TypeVar("Number", float, Tensor)


@dataclass(frozen=True)
class Aberrations:
    """Aberrations of one optics group; without arguments, none.

    Attributes:
        magnification: M, row by row; see ``undistorted``.
        coma: (x, y) in Angstrom^3: phases are rotated by ``|k|^2 k . coma``; see ``coma_of_beam_tilt``.
        odd, even: coefficients of Zernike polynomials of k in 1 / Angstrom, in RELION's order.
    """

    magnification: Matrix = NONE
    coma: tuple[float, float] = (0.0, 0.0)
    odd: tuple[float, ...] = ()
    even: tuple[float, ...] = ()

    @property
    def turns(self) -> bool:
        """Whether phases of coefficients are rotated."""
        return any(self.coma) or any(self.odd)

    @property
    def magnifies(self) -> bool:
        """Whether M differs from the identity."""
        return self.magnification != NONE

    def turn(self, box_size: int, pixel_size_angstrom: float) -> Tensor:
        """Return the factors on ideal coefficients, (n, n // 2 + 1) complex128 of modulus 1."""
        k = _frequencies(box_size, pixel_size_angstrom)
        angle = (k**2).sum(-1) * (k @ torch.tensor(self.coma, dtype=torch.float64))
        for i, coefficient in enumerate(self.odd):
            angle = angle + coefficient * zernike(*odd_order(i), k)
        return torch.polar(torch.ones_like(angle), angle)

    def even_phase(self, box_size: int, pixel_size_angstrom: float) -> Tensor:
        """Return what is subtracted from the phase inside the CTF's sine, (n, n // 2 + 1) float64 in radians."""
        k = _frequencies(box_size, pixel_size_angstrom)
        phase = torch.zeros(k.shape[:-1], dtype=torch.float64)
        for i, coefficient in enumerate(self.even):
            phase = phase + coefficient * zernike(*even_order(i), k)
        return phase


def coma_of_beam_tilt(
    tilt_mrad: tuple[float, float], voltage_kv: float, spherical_aberration_mm: float
) -> tuple[float, float]:
    """Return ``-2 pi Cs lambda^2`` times the tilt along x and y, in Angstrom^3."""
    scale = -2 * torch.pi * spherical_aberration_mm * ANGSTROM_PER_MILLIMETRE * wavelength_angstrom(voltage_kv) ** 2
    return scale * tilt_mrad[0] / MILLIRADIANS, scale * tilt_mrad[1] / MILLIRADIANS


def wavelength_angstrom(voltage_kv: Number) -> Number:
    """Return the relativistic wavelength of electrons in Angstrom (Kirkland 2020, equation 2.5)."""
    volts = 1e3 * voltage_kv
    return 12.2643247 / (volts * (1 + 0.978466e-6 * volts)) ** 0.5


def _frequencies(box_size: int, pixel_size_angstrom: float) -> Tensor:
    """Return k, x and y in 1 / Angstrom, at the coefficients of the half plane, (n, n // 2 + 1, 2) float64."""
    rows = (torch.arange(box_size) + box_size // 2) % box_size - box_size // 2
    y, x = torch.meshgrid(rows, torch.arange(box_size // 2 + 1), indexing="ij")
    return torch.stack([x, y], dim=-1).double() / (box_size * pixel_size_angstrom)


def odd_order(index: int) -> tuple[int, int]:
    """Return (m, n) of RELION's odd polynomial number ``index``: n = 1, 3, 5, ..., and m = -n, -n + 2, ... n for each n."""
    k = (isqrt(1 + 4 * index) - 1) // 2
    n = 2 * k + 1
    return 2 * (index - k * (k + 1)) - n, n


def even_order(index: int) -> tuple[int, int]:
    """Return (m, n) of RELION's even polynomial number ``index``: n = 0, 2, 4, ..., and m = -n, -n + 2, ... n for each n."""
    k = isqrt(index)
    return 2 * (index - k * k - k), 2 * k


def zernike(m: int, n: int, k: Tensor) -> Tensor:
    """Return ``R_n^|m|(|k|)`` times ``cos(m angle)`` if m >= 0, else ``sin(-m angle)``, (...), at frequencies k (..., 2)."""
    radius, angle = k.norm(dim=-1), torch.atan2(k[..., 1], k[..., 0])
    order = abs(m)
    radial = torch.zeros_like(radius)
    for j in range((n - order) // 2 + 1):
        radial = radial + (-1) ** j * comb(n - j, j) * comb(n - 2 * j, (n - order) // 2 - j) * radius ** (n - 2 * j)
    return radial * (torch.cos(m * angle) if m >= 0 else torch.sin(-m * angle))
