"""Aberrations against polynomials written out here, none of which a mirror or a swap of the axes leaves alone."""

import math

import torch

from cryosense.volumes.aberrations import Aberrations, coma_of_beam_tilt, even_order, odd_order, wavelength_angstrom, zernike
from cryosense.volumes.ctf import CtfParameters, ctf_half_plane

N, PIXEL = 32, 2.0


def plane() -> tuple[torch.Tensor, torch.Tensor]:
    """-> x, y (n, n // 2 + 1) in 1 / Angstrom."""
    y, x = torch.meshgrid(torch.fft.fftfreq(N, PIXEL).double(), torch.fft.rfftfreq(N, PIXEL).double(), indexing="ij")
    return x, y


def test_zernike_polynomials_in_relions_order() -> None:
    x, y = plane()
    k, squared = torch.stack([x, y], dim=-1), x**2 + y**2
    odd = [y, x, 3 * x**2 * y - y**3, (3 * squared - 2) * y, (3 * squared - 2) * x, x**3 - 3 * x * y**2]
    even = [torch.ones_like(x), 2 * x * y, 2 * squared - 1, x**2 - y**2]
    even += [4 * x * y * (x**2 - y**2), (4 * squared - 3) * 2 * x * y, 6 * squared**2 - 6 * squared + 1]
    for order, polynomials in ((odd_order, odd), (even_order, even)):
        for index, expected in enumerate(polynomials):
            torch.testing.assert_close(zernike(*order(index), k), expected, atol=1e-12, rtol=0)


def test_beam_tilt_turns_coefficients_by_a_cube() -> None:
    """And is the Zernike polynomials x and x (3 r^2 - 2), taken two to one, as RELION stores it."""
    x, y = plane()
    wavelength = 0.0196875  # of 300 kV
    assert abs(wavelength_angstrom(300.0) - wavelength) < 1e-6
    cubes = -2 * math.pi * 2.7e7 * wavelength**2 * (x**2 + y**2) * (3e-4 * x - 7e-4 * y)
    coma = coma_of_beam_tilt((0.3, -0.7), 300.0, 2.7)
    turn = Aberrations(coma=coma).turn(N, PIXEL)
    torch.testing.assert_close(turn, torch.polar(torch.ones_like(x), cubes), atol=1e-3, rtol=0)
    as_odd = Aberrations(odd=(2 * coma[1] / 3, 2 * coma[0] / 3, 0.0, coma[1] / 3, coma[0] / 3))
    torch.testing.assert_close(as_odd.turn(N, PIXEL), Aberrations(coma=coma).turn(N, PIXEL), atol=1e-9, rtol=0)


def test_even_polynomials_move_the_ctf() -> None:
    x, y = plane()
    aberrations = Aberrations(even=(0.3, 5.0, -4.0, 7.0, 100.0))
    squared, wavelength = x**2 + y**2, wavelength_angstrom(300.0)
    defocus = 13500 - 1500 * torch.cos(2 * (torch.atan2(y, x) - math.radians(25)))
    phase = math.pi * wavelength * defocus * squared - math.pi / 2 * 2.7e7 * wavelength**3 * squared**2 + math.asin(0.1)
    even = 0.3 + 5 * 2 * x * y - 4 * (2 * squared - 1) + 7 * (x**2 - y**2) + 100 * 4 * x * y * (x**2 - y**2)
    expected = 0.8 * torch.sin(phase - even) * torch.exp(-30 / 4 * squared)
    each = (torch.tensor([value]) for value in (12000.0, 15000.0, 25.0))
    made = ctf_half_plane(CtfParameters(*each, 300.0, 2.7, 0.1, 0.0, 30.0, 0.8), N, PIXEL, aberrations)
    torch.testing.assert_close(made[0].double(), expected, atol=1e-3, rtol=0)
