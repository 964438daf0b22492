"""Projections of densities as central slices of their transforms, on torch-fourier-slice."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch_fourier_slice import extract_central_slices_rfft_3d

from cryosense import fourier
from cryosense.errors import ArgumentError
from cryosense.shown import ShowsInModule


class Projector(ShowsInModule, nn.Module):
    """An operator that projects densities (s, n, n, n), n even, the particle inside the sphere of diameter n.

    The densities are zero-padded by ``pad_factor`` and their transforms kept, s (pad_factor n)^3 / 2 complex numbers (68 MB
    per density at n = 128, pad factor 2). Slices are interpolated trilinearly in them, corrected for the interpolation's
    sinc^2, and hold the frequencies inside the circle of radius n / 2; Nyquist and the corners are zero, as in RELION. Root
    mean square error against exact projections of a particle that fills 50 % of the box: 2 % at pad factor 2 (5 % along the
    axes of the map, the worst case), 0.9 % at 3, 0.5 % at 4.

    Raises:
        ArgumentError: the densities are not cubes of even size.
    """

    spectra: Tensor

    def __init__(self, volumes: Tensor, pad_factor: int) -> None:
        super().__init__()
        n = volumes.shape[-1]
        if volumes.ndim != 4 or volumes.shape[1:] != (n, n, n) or n % 2:
            raise ArgumentError(f"volumes have shape {tuple(volumes.shape)}: give (states, n, n, n) with n even")
        self.box_size = n
        self.pad_factor = pad_factor
        self.register_buffer("spectra", torch.stack([self._slice_source(volume) for volume in volumes]))

    def _slice_source(self, volume: Tensor) -> Tensor:
        """Return that in which slices are interpolated, (m, m, m // 2 + 1) complex with m = pad_factor n."""
        n, m = self.box_size, self.pad_factor * self.box_size
        position = (torch.arange(n, device=volume.device, dtype=volume.dtype) - n // 2) / m
        kernel = torch.sinc(position) ** 2
        corrected = volume / (kernel[:, None, None] * kernel[:, None] * kernel)
        before = m // 2 - n // 2
        return fourier.half_space(nn.functional.pad(corrected, (before, m - n - before) * 3))

    def forward(self, rotations: Tensor, states: Tensor) -> Tensor:
        """Return half planes of projections, (b, n, n // 2 + 1) complex, for image-to-map rotations (b, 3, 3), states (b,).

        They are those of ``cryosense.fourier.half_plane`` of the images, centred on the pixel (n // 2, n // 2).
        """
        n = self.box_size
        planes = torch.zeros(len(states), n, n // 2 + 1, dtype=self.spectra.dtype, device=self.spectra.device)
        for state in torch.unique(states).tolist():
            chosen = states == state
            planes[chosen] = self._slices(self.spectra[state], rotations[chosen])
        return planes

    def _slices(self, spectrum: Tensor, rotations: Tensor) -> Tensor:
        """Return slices (b, n, n // 2 + 1) complex of a spectrum (m, m, m // 2 + 1) under rotations (b, 3, 3)."""
        n, m = self.box_size, self.pad_factor * self.box_size
        # Scaled rotations read every pad_factor-th coefficient of the padded slice, all the unpadded image has, as RELION
        # does: the whole padded slice would be pad_factor^2 times as large, for pixels that are cut away. The tolerance is
        # 0 because with its default the library zeroes coefficients that lie a rounding error beyond the half space: half
        # the slice at a tilt of 90 degrees.
        radius = (n / 2 - 0.5 / n) / m
        slices = extract_central_slices_rfft_3d(spectrum, self.pad_factor * rotations, fftfreq_max=radius, x_tolerance=0.0)
        rows = slices[:, m // 2 - n // 2 : m // 2 + n // 2, : n // 2 + 1]
        uncentred = torch.roll(rows, -(n // 2), dims=-2)
        # Unitary in 3D to unitary in 2D, for a sum along z; and the checkerboard moves the centre from pixel 0 to n // 2.
        index = torch.arange(n, device=spectrum.device)
        signs = (1 - 2 * ((index[:, None] + index[: n // 2 + 1]) % 2)).to(spectrum.real.dtype)
        return uncentred * signs * (m**1.5 / n)
