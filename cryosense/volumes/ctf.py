"""The contrast transfer function by RELION's parameters: a typed layer over torch-ctf.

``CTF(k) = sin(pi lambda z(k) |k|^2 - pi/2 Cs lambda^3 |k|^4 + phase shift + arcsin(amplitude contrast)) exp(-B |k|^2 / 4)``
with k in 1 / Angstrom and ``z(k) = (U + V) / 2 + (U - V) / 2 cos 2(angle of k to x - astigmatism angle)`` (Rohou and
Grigorieff 2015), positive at low frequencies: densities that are positive in the map are bright in the image.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from cryosense.volumes.aberrations import Aberrations

ANGSTROM_PER_MICROMETRE = 1e4
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

    ``aberrations`` are those of the particles' optics group, whose even polynomials are part of the CTF.

    torch-ctf adds 1.2e-7 / Å^2 to the square of k where it takes its direction: astigmatism is 0.6 % too weak in the first
    shell of a 224 Å box, less beyond.
    """
    from torch_ctf import calculate_ctf_2d  # here, since it brings SciPy, which takes half a second to import

    u, v = parameters.defocus_u_angstrom, parameters.defocus_v_angstrom
    # torch-ctf takes the root of the astigmatism, so the larger defocus must come first: otherwise swap the axes.
    angle = torch.where(u >= v, parameters.defocus_angle_deg, parameters.defocus_angle_deg + 90)
    ctf = calculate_ctf_2d(
        defocus=(u + v) / 2 / ANGSTROM_PER_MICROMETRE,
        astigmatism=(u - v).abs() / 2 / ANGSTROM_PER_MICROMETRE,
        astigmatism_angle=angle,
        voltage=parameters.voltage_kv,
        spherical_aberration=parameters.spherical_aberration_mm,
        amplitude_contrast=parameters.amplitude_contrast,
        phase_shift=parameters.phase_shift_deg,
        pixel_size=pixel_size_angstrom,
        image_shape=(box_size, box_size),
        rfft=True,
        fftshift=False,
        return_complex_ctf=any(aberrations.even),
    )
    if any(aberrations.even):
        phase = aberrations.even_phase(box_size, pixel_size_angstrom).to(u.device)
        ctf = (ctf * torch.polar(torch.ones_like(phase), -phase).to(ctf.dtype)).imag
    ctf = ctf * _per_image(parameters.scale, ctf)
    return ctf * _b_factor_envelope(parameters.b_factor_angstrom2, box_size, pixel_size_angstrom, u.device)


def _per_image(value: float | Tensor, like: Tensor) -> Tensor:
    """Return the value as a tensor (b or 1, 1, 1)."""
    return torch.as_tensor(value, device=like.device, dtype=like.dtype).reshape(-1, 1, 1)


def _b_factor_envelope(
    b_factor_angstrom2: float | Tensor, box_size: int, pixel_size_angstrom: float, device: torch.device
) -> Tensor:
    """Return ``exp(-B |k|^2 / 4)`` on the half plane, k in 1 / Angstrom, (b or 1, n, n // 2 + 1)."""
    rows = (torch.arange(box_size, device=device) + box_size // 2) % box_size - box_size // 2
    columns = torch.arange(box_size // 2 + 1, device=device)
    squared = (rows[:, None] ** 2 + columns**2) / (box_size * pixel_size_angstrom) ** 2
    return torch.exp(-_per_image(b_factor_angstrom2, squared) / 4 * squared)
