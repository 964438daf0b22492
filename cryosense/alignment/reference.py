"""The reference with which particles are compared, and its projections at a few coefficients each."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from cryosense import fourier
from cryosense.alignment.coefficients import Disc
from cryosense.shown import ShowsInModule
from cryosense.volumes.project import Projector


def low_passed(volume: Tensor, gain: Tensor) -> Tensor:
    """Return a map (n, n, n) with each shell of its transform multiplied by its gain; shells without one are removed."""
    n = volume.shape[-1]
    shells = fourier.half_space_shells(n, device=volume.device)
    padded = torch.zeros(int(shells.max()) + 1, dtype=volume.dtype, device=volume.device)
    padded[: len(gain)] = gain.to(padded)
    return fourier.from_half_space(fourier.half_space(volume) * padded[shells], n)


class Reference(ShowsInModule, nn.Module):
    """Central slices of a map (n, n, n) at the coefficients of a disc: those of ``Projector``, relative to n // 2.

    It holds only the part of the projector's padded transform that the disc reaches, and nothing per rotation.
    """

    table: Tensor

    def __init__(self, volume: Tensor, disc: Disc, pad_factor: int) -> None:
        super().__init__()
        self.disc, self.pad_factor = disc, pad_factor
        n, m = volume.shape[-1], pad_factor * volume.shape[-1]
        spectrum = Projector(volume.float()[None], pad_factor).spectra[0]
        self.reach = min(pad_factor * disc.limit + 1, m // 2 - 1)
        rows = slice(m // 2 - self.reach, m // 2 + self.reach + 1)
        inside = spectrum[rows, rows, : self.reach + 1] * (m**1.5 / n)
        self.register_buffer("table", torch.view_as_real(inside).permute(3, 0, 1, 2)[None].contiguous())

    def forward(self, rotations: Tensor, count: int) -> Tensor:
        """Return the first coefficients of each projection, (..., count) complex, for image-to-map rotations (..., 3, 3)."""
        x, y = self.disc.positions[:count, None].unbind(-1)
        along = rotations[..., None, :, :].to(x.dtype)
        return self.at(along[..., 0] * x + along[..., 1] * y)  # no product of matrices, which rounds by how many there are

    def at(self, points: Tensor) -> Tensor:
        """Return the map's transform, (...) complex, at points (..., 3): x, y, z in Fourier pixels, inside the disc."""
        # Half of the transform is kept: at a negative x stands the conjugate of what stands at the opposite point.
        flipped = points[..., :1] < 0
        grid = torch.where(flipped, -points, points) * (self.pad_factor / self.reach)
        grid[..., 0] = 2 * grid[..., 0] - 1
        values = nn.functional.grid_sample(
            self.table, grid.reshape(1, 1, 1, -1, 3), mode="bilinear", padding_mode="border", align_corners=True
        )
        real, imaginary = values.reshape(2, *points.shape[:-1])
        return torch.complex(real, torch.where(flipped[..., 0], -imaginary, imaginary))
