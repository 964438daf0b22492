"""Do two programs make the same map of the same particles? Shell by shell, as written and like with like; see README.md."""

from __future__ import annotations

from pathlib import Path

import mrcfile
import torch
from torch import Tensor

from cryosense.metrics import fsc, resolution_angstrom

AGREED = 0.99
SHELLS = (0.1, 0.25, 0.5, 0.75)  # shares of Nyquist at which the curve is listed


def agreement(folder: Path, images: str, ours: str, theirs: str) -> list[str]:
    """-> a table for the maps that were made of ``images``: FSC to each other, and of each to the truth.

    The soft mask is the one that our command found. cryoDRGN adds each coefficient to the points around it with weight
    1 - distance, on a grid as coarse as the transform itself, and leaves the map multiplied by that kernel's transform; in
    the last row it is divided out, as ours divides out its own.
    """
    halves = [read(folder / "ours" / f"count_{images}" / f"half{number}.mrc")[0] for number in (1, 2)]
    mine, pixel_size = read(folder / "ours" / f"count_{images}" / "map.mrc")
    other = read(folder / "theirs" / f"count_{images}" / "backproject.mrc")[0]
    truth, mask = read(folder / "count" / "volume.mrc")[0], read(folder / "ours" / f"count_{images}" / "mask.mrc")[0]
    n = len(mine)
    resolution = resolution_angstrom(fsc(*halves), pixel_size, n, 0.143)
    corrected = other / cone_transform(n)
    listed = [round(share * n / 2) for share in SHELLS]
    lines = [
        f"{images}: half maps of {ours} to {resolution:.2f} Å (0.143, unmasked)",
        "",
        f"| {images} | lowest FSC of the two maps up to there | at {', '.join(f'{s:g}' for s in SHELLS)} of Nyquist "
        f"| above {AGREED} to | {ours} to the truth, 0.5 | {theirs} to the truth, 0.5 |",
        "|---|---|---|---|---|---|",
    ]
    forms = {
        "as written": (mine, other),
        "in the soft mask": (mine * mask, other * mask),
        "in the soft mask, both corrected for interpolation": (mine * mask, corrected * mask),
    }
    last = min(int(n * pixel_size / resolution), n // 2 - 1)  # at Nyquist ours is empty
    for name, (a, b) in forms.items():
        curve = fsc(a, b)
        to_truth = [resolution_angstrom(fsc(volume, truth), pixel_size, n, 0.5) for volume in (a, b)]
        there = ", ".join(f"{float(curve[shell]):.3f}" for shell in listed)
        lines.append(
            f"| {name} | {float(curve[1 : last + 1].min()):.3f} | {there} "
            f"| {resolution_angstrom(curve, pixel_size, n, AGREED):.2f} Å | {to_truth[0]:.2f} Å | {to_truth[1]:.2f} Å |"
        )
    return lines


def cone_transform(n: int) -> Tensor:
    """-> (n, n, n): transform of the kernel max(0, 1 - |k|) in Fourier pixels, at positions from the box's centre; 1 there.

    In three dimensions 4 pi (2 - 2 cos a - a sin a) / a^4, a = 2 pi |x| / n, over its value pi / 3 at the centre.
    """
    axis = (torch.arange(n, dtype=torch.float64) - n // 2) * (2 * torch.pi / n)
    a = (axis[:, None, None] ** 2 + axis[:, None] ** 2 + axis**2).sqrt()
    near = a < 0.1  # the difference of nearly equal numbers; its series to a^2
    safe = torch.where(near, torch.ones_like(a), a)
    return torch.where(near, 1 - a**2 / 15, 12 * (2 - 2 * torch.cos(safe) - safe * torch.sin(safe)) / safe**4)


def read(path: Path) -> tuple[Tensor, float]:
    """-> (n, n, n) float64 and the pixel size in Angstrom."""
    with mrcfile.open(path) as mrc:
        return torch.from_numpy(mrc.data.copy()).double(), float(mrc.voxel_size.x)
