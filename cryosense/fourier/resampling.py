"""Crop, pad and shear through the transform: sizes change, nothing is interpolated."""

from __future__ import annotations

import torch
from torch import Tensor

from cryosense.fourier.transforms import axes_of, fftn, ifftn


def fourier_crop(x: Tensor, size: int, ndim: int = 2) -> Tensor:
    """Return images (..., size, size), size <= n, with only the low frequencies; the mean value is preserved."""
    n = x.shape[-1]
    start = n // 2 - size // 2
    spectrum = fftn(x, ndim)
    for axis in axes_of(ndim):
        spectrum = spectrum.narrow(axis, start, size)
    return ifftn(spectrum, ndim).real * (size / n) ** (ndim / 2)


def fourier_pad(x: Tensor, size: int, ndim: int = 2) -> Tensor:
    """Return images (..., size, size), size >= n, with empty high frequencies added; the mean value is preserved."""
    n = x.shape[-1]
    before = size // 2 - n // 2
    spectrum = torch.nn.functional.pad(fftn(x, ndim), (before, size - n - before) * ndim)
    return ifftn(spectrum, ndim).real * (size / n) ** (ndim / 2)


def shear(image: Tensor, slope: float, axis: int) -> Tensor:
    """Return images with each line along ``axis`` (-1 or -2) moved by slope times its distance from n // 2, (..., n, n).

    A phase ramp per line: content moves by fractions of a pixel without interpolation and enters again on the other side. The
    Nyquist coefficient, which has no direction to move in, stays.
    """
    n = image.shape[-1]
    lines = image if axis == -1 else image.transpose(-1, -2)
    distance = torch.arange(n, device=image.device) - n // 2
    frequency = torch.fft.rfftfreq(n, device=image.device)
    if n % 2 == 0:
        frequency[-1] = 0
    ramp = torch.exp(-2j * torch.pi * slope * distance[:, None] * frequency)
    moved = torch.fft.irfft(torch.fft.rfft(lines) * ramp, n=n)
    return moved if axis == -1 else moved.transpose(-1, -2)
