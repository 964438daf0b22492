"""Which image of which file each particle is."""

from __future__ import annotations

import operator
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from cryosense.errors import ParticleDataError, UntrustedFileError
from cryosense.files.limits import require_regular

from .image_files import ImageFile, open_npy, open_pt
from .mrc import open_mrc

LARGEST_BOX = 8192  # pixels: no particle image is that large
COMPRESSED = {".gz", ".bz2", ".xz", ".zip", ".zst"}
_OPENERS: dict[str, Callable[[Path], ImageFile]] = {
    ".mrc": open_mrc,
    ".mrcs": open_mrc,
    ".map": open_mrc,
    ".st": open_mrc,
    ".npy": open_npy,
    ".pt": open_pt,
}

Index = int | slice | Sequence[int] | np.ndarray | Tensor


def open_image_file(path: Path) -> ImageFile:
    """Open a file by its suffix. Raises ParticleDataError for other suffixes and for images that are not square."""
    opener = _OPENERS.get(path.suffix.lower())
    if path.suffix.lower() in COMPRESSED:
        raise ParticleDataError(f"{path}: is compressed, which cannot be read piece by piece: decompress it first")
    if opener is None:
        raise ParticleDataError(
            f"{path}: images are read from {', '.join(_OPENERS)} files, not from {path.suffix or 'this one'}"
        )
    try:
        if path.exists():
            require_regular(path)
    except UntrustedFileError as error:
        raise ParticleDataError(str(error)) from error
    file = opener(path)
    if max(file.height, file.width) > LARGEST_BOX:
        raise ParticleDataError(f"{path}: states images of {file.width} x {file.height} px; at most {LARGEST_BOX} px are read")
    if file.height != file.width:
        raise ParticleDataError(f"{path}: images of {file.width} x {file.height} px are not square; crop or pad them first")
    return file


@dataclass(frozen=True)
class Images:
    """Particle i is image ``number[i]``, counted from 0, of ``files[file_of[i]]``; all files hold images of one box size.

    ``sign``, (n,) 1 or -1 or None for 1, is what images are multiplied by as they are read.

    Raises:
        ParticleDataError: box sizes that differ.
    """

    files: tuple[ImageFile, ...]
    file_of: np.ndarray
    number: np.ndarray
    sign: np.ndarray | None = None

    def __post_init__(self) -> None:
        for file in self.files[1:]:
            if file.width != self.files[0].width:
                raise ParticleDataError(
                    f"{file.path}: images of {file.width} px, but {self.files[0].path} has {self.files[0].width} px; "
                    "bring them to one box size, or open the files one by one"
                )

    @classmethod
    def whole(cls, file: ImageFile) -> Images:
        """Return all images of one file in their order."""
        return cls((file,), np.zeros(file.count, np.int64), np.arange(file.count))

    @property
    def box_size(self) -> int:
        """Side of an image in pixels."""
        return self.files[0].width

    def select(self, rows: np.ndarray) -> Images:
        """Return the particles at ``rows``, in that order."""
        sign = None if self.sign is None else self.sign[rows]
        return Images(self.files, self.file_of[rows], self.number[rows], sign)

    def identity(self) -> np.ndarray:
        """Return a number for each particle, (n,) int64, the same for particles that are one image of one file."""
        path, _ = pd.factorize(np.array([str(file.path.resolve()) for file in self.files], dtype=object))
        most = max(file.count for file in self.files)
        return path[self.file_of].astype(np.int64) * most + self.number

    def read(self, rows: np.ndarray) -> Tensor:
        """Return the images at rows (b,), (b, 1, n, n) float32."""
        file_of, number = self.file_of[rows], self.number[rows]
        images = np.empty((len(rows), 1, self.box_size, self.box_size), np.float32)
        for index in np.unique(file_of):
            places = np.flatnonzero(file_of == index)
            images[places, 0] = self.files[index].read(number[places])
        if self.sign is not None:
            images *= self.sign[rows, None, None, None].astype(np.float32)
        return torch.from_numpy(images)

    def names(self, root: Path) -> list[str]:
        """Return image and file of each particle, (n,) ``000001@stack.mrcs``, as seen from a folder."""
        paths = [os.path.relpath(file.path.absolute(), root.absolute()) for file in self.files]
        return [f"{number + 1:06d}@{paths[index]}" for index, number in zip(self.file_of, self.number, strict=True)]

    def used_files(self) -> list[Path]:
        """Return the files that hold particles."""
        return [self.files[index].path for index in np.unique(self.file_of)]

    def header_pixel_sizes(self) -> dict[Path, float]:
        """Return the pixel sizes in Angstrom of the files that hold particles and whose headers state one."""
        used = [self.files[index] for index in np.unique(self.file_of)]
        return {file.path: file.pixel_size_angstrom for file in used if file.pixel_size_angstrom is not None}


def row_numbers(index: Index, count: int) -> np.ndarray:
    """Return the rows that an index selects, (b,) int64; negative ones count from the end.

    Raises:
        IndexError: rows outside the stack, or an index of another type.
    """
    if isinstance(index, slice):
        return np.arange(count)[index]
    if isinstance(index, Tensor):
        index = index.detach().cpu().numpy()
    rows = np.asarray(index)
    if rows.size == 0:
        rows = rows.astype(np.int64)
    if rows.dtype.kind not in "iu" or rows.ndim != 1:
        raise IndexError(f"particles are chosen by whole numbers in one dimension, not by {rows.dtype} in {rows.ndim}")
    rows = rows.astype(np.int64)
    outside = rows[(rows < -count) | (rows >= count)]
    if len(outside):
        raise IndexError(f"particle {outside[0]} of a stack of {count}")
    return np.where(rows < 0, rows + count, rows)


def single_row(index: Index) -> int | None:
    """Return the one row that an index asks for, None if it asks for a batch."""
    if isinstance(index, (slice, Sequence)) or np.ndim(index) > 0:
        return None
    try:
        return operator.index(index)
    except TypeError as error:
        raise IndexError(f"particles are chosen by whole numbers, not by a {type(index).__name__}") from error
