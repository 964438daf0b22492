"""The contrast transfer function by RELION's parameters.

``CTF(k) = sin(pi lambda z(k) |k|^2 - pi/2 Cs lambda^3 |k|^4 + phase shift + arcsin(amplitude contrast)) exp(-B |k|^2 / 4)``
with k in 1 / Angstrom and ``z(k) = (U + V) / 2 + (U - V) / 2 cos 2(angle of k to x - astigmatism angle)`` (Rohou and
Grigorieff 2015), positive at low frequencies: densities that are positive in the map are bright in the image.

Written here instead of taken from torch-ctf, which makes some twenty arrays of the size of the images where one will do, and
imports SciPy, in half a second.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from cryosense.volumes.aberrations import ANGSTROM_PER_MILLIMETRE, Aberrations, wavelength_angstrom

IDEAL = Aberrations()


@dataclass(frozen=True)
class CtfParameters:
    """CTF parameters of b particles: (b,) tensors, or numbers for what is the same for all of them.

    ``defocus_*_angstrom`` is positive for underfocus; ``defocus_angle_deg`` is the angle from the x axis to the direction of
    ``defocus_u_angstrom``; ``b_factor_angstrom2`` damps amplitudes by ``exp(-B |k|^2 / 4)``, and ``scale`` multiplies them.
    """

    defocus_u_angstrom: Tensor
    defocus_v_angstrom: Tensor
    defocus_angle_deg: Tensor
    voltage_kv: float | Tensor
    spherical_aberration_mm: float | Tensor
    amplitude_contrast: float | Tensor
    phase_shift_deg: float | Tensor
    b_factor_angstrom2: float | Tensor
    scale: float | Tensor = 1.0


def ctf_half_plane(
    parameters: CtfParameters, box_size: int, pixel_size_angstrom: float, aberrations: Aberrations = IDEAL
) -> Tensor:
    """Return the CTF, (b, n, n // 2 + 1), at the coefficients of ``cryosense.fourier.half_plane``.

    ``aberrations`` are those of the particles' optics group, whose even polynomials are part of the CTF. Each particle's is
    the same in every batch.
    """
    device, box_angstrom = parameters.defocus_u_angstrom.device, box_size * pixel_size_angstrom
    rows = (torch.arange(box_size) + box_size // 2) % box_size - box_size // 2
    y, x = rows[:, None].double() / box_angstrom, torch.arange(box_size // 2 + 1).double() / box_angstrom
    even = aberrations.even_phase(box_size, pixel_size_angstrom) if any(aberrations.even) else torch.zeros(1, 1)
    planes = (x**2 + y**2, x**2 - y**2, 2 * x * y, even)
    squared, along, across, even = (plane.float().to(device) for plane in planes)
    fourth, second, astigmatism_along, astigmatism_across, offset = _coefficients(parameters)
    ctf = torch.addcmul(second, fourth, squared).mul_(squared)
    ctf.addcmul_(astigmatism_along, along).addcmul_(astigmatism_across, across).add_(offset - even).sin_()
    ctf *= _per_image(parameters.scale, ctf)
    ctf *= torch.exp(-_per_image(parameters.b_factor_angstrom2, squared) / 4 * squared)
    return ctf


def _coefficients(parameters: CtfParameters) -> list[Tensor]:
    """Return what the phase is made of, from double precision, (b or 1, 1, 1) float32 each.

    The factors of |k|^4, of |k|^2, and with k = (x, y) of x^2 - y^2 and 2 x y, and what does not depend on k.
    """
    angle_voltage_spherical = parameters.defocus_angle_deg, parameters.voltage_kv, parameters.spherical_aberration_mm
    named = (*angle_voltage_spherical, parameters.amplitude_contrast, parameters.phase_shift_deg)
    u, v = parameters.defocus_u_angstrom.double(), parameters.defocus_v_angstrom.double()
    angle, voltage, spherical, contrast, shift = (
        torch.as_tensor(each, dtype=torch.float64, device=u.device) for each in named
    )
    wavelength, axis = wavelength_angstrom(voltage), 2 * torch.deg2rad(angle)
    elliptic = torch.pi * wavelength * (u - v) / 2
    factors = (
        -torch.pi / 2 * spherical * ANGSTROM_PER_MILLIMETRE * wavelength**3,
        torch.pi * wavelength * (u + v) / 2,
        elliptic * torch.cos(axis),
        elliptic * torch.sin(axis),
        torch.deg2rad(shift) + torch.asin(contrast),
    )
    return [factor.float().reshape(-1, 1, 1) for factor in factors]


def _per_image(value: float | Tensor, like: Tensor) -> Tensor:
    """Return the value as a tensor (b or 1, 1, 1)."""
    return torch.as_tensor(value, device=like.device, dtype=like.dtype).reshape(-1, 1, 1)
