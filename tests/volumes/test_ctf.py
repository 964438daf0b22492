"""The CTF against its closed formula, written out here from its definition."""

import math

import numpy as np
import torch

from cryosense import fourier
from cryosense.volumes.ctf import CtfParameters, ctf_half_plane

N, PIXEL = 64, 2.0
CONSTANTS = [(300.0, 2.7, 0.1, 0.0, 50.0), (200.0, 2.0, 0.07, 90.0, 0.0)]


def parameters(u: float, v: float, angle: float, *, b_factor: float = 0.0, phase_shift: float = 0.0) -> CtfParameters:
    return CtfParameters(torch.tensor([u]), torch.tensor([v]), torch.tensor([angle]), 300.0, 2.7, 0.1, phase_shift, b_factor)


def closed_form(u: float, v: float, angle: float, b_factor: float, phase_shift: float) -> np.ndarray:
    """-> (n, n // 2 + 1), rows in the order of the discrete transform."""
    wavelength = 12.2643247 / math.sqrt(300e3 + 0.978466e-6 * 300e3**2)  # RELION's
    kx, ky = np.meshgrid(np.fft.rfftfreq(N, PIXEL), np.fft.fftfreq(N, PIXEL))
    squared = kx**2 + ky**2
    defocus = (u + v) / 2 + (u - v) / 2 * np.cos(2 * (np.arctan2(ky, kx) - math.radians(angle)))
    phase = math.pi * wavelength * defocus * squared - math.pi / 2 * 2.7e7 * wavelength**3 * squared**2
    return np.sin(phase + math.radians(phase_shift) + math.asin(0.1)) * np.exp(-b_factor * squared / 4)


def test_ctf_is_the_closed_form() -> None:
    for u, v, angle, b, shift in [
        (15000.0, 15000.0, 0.0, 0.0, 0.0),
        (15000.0, 14000.0, 25.0, 0.0, 0.0),
        (14000.0, 15000.0, 25.0, 80.0, 0.0),
        (5000.0, 5000.0, 0.0, 0.0, 90.0),
    ]:
        ours = ctf_half_plane(parameters(u, v, angle, b_factor=b, phase_shift=shift), N, PIXEL)[0]
        expected = torch.from_numpy(closed_form(u, v, angle, b, shift)).float()
        torch.testing.assert_close(ours, expected, atol=3e-5, rtol=0)


def test_each_particle_may_have_its_own_constants() -> None:
    """As where optics groups are mixed: a batch of two is the two of them alone."""
    alone = [CtfParameters(*(torch.tensor([v]) for v in (9000.0, 8500.0, 30.0)), *rest) for rest in CONSTANTS]
    each = (torch.tensor(values) for values in zip(*CONSTANTS, strict=True))
    together = CtfParameters(*(torch.tensor([v, v]) for v in (9000.0, 8500.0, 30.0)), *each)
    expected = torch.cat([ctf_half_plane(one, N, PIXEL) for one in alone])
    torch.testing.assert_close(ctf_half_plane(together, N, PIXEL), expected, atol=1e-4, rtol=0)


def test_positive_density_is_bright_and_ringed() -> None:
    """Underfocus and little amplitude contrast: a dot becomes a bright centre inside a dark ring."""
    dot = torch.zeros(1, N, N)
    dot[0, N // 2, N // 2] = 1
    ctf = ctf_half_plane(parameters(15000.0, 15000.0, 0.0, b_factor=200.0), N, PIXEL)
    image = fourier.from_half_plane(fourier.half_plane(dot) * ctf, N)[0]
    assert image.argmax() == N // 2 * N + N // 2
    assert image[N // 2, N // 2 :].min() < -0.1 * image.max()
