"""Image files on disk, opened for the duration of a read: no open handles, nothing read whole."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from cryosense.errors import ParticleDataError
from cryosense.files.untrusted import UntrustedFileError, read_torch

SQUARE_TOLERANCE = 1e-3
AGAIN = "something else changes or moves it; put it back, and give the same command again"


class ImageFile(Protocol):
    """Images of one file."""

    @property
    def path(self) -> Path:
        """The file."""

    @property
    def count(self) -> int:
        """Number of images."""

    @property
    def height(self) -> int:
        """Height of an image in pixels."""

    @property
    def width(self) -> int:
        """Width of an image in pixels."""

    @property
    def pixel_size_angstrom(self) -> float | None:
        """Pixel size in Angstrom, None if the file does not state it."""

    @property
    def may_be_volume(self) -> bool:
        """Whether the file may hold a volume rather than images."""

    def read(self, numbers: np.ndarray) -> np.ndarray:
        """Return images (b, h, w) float32 by numbers (b,), which count from 0 and are checked already."""


@dataclass(frozen=True)
class StoredImages:
    """Images stored uncompressed one after the other, from ``offset`` bytes into the file.

    Attributes:
        height, width: of an image as it is read.
        pixel_angstrom: sides of a pixel along x and y, as the file states them; None if unknown.
        transposed: whether the file holds each image column by column.
        may_be_volume: whether the file says that it is a volume, and its shape does not contradict that.
    """

    path: Path
    dtype: np.dtype
    offset: int
    count: int
    height: int
    width: int
    pixel_angstrom: tuple[float, float] | None = None
    transposed: bool = False
    may_be_volume: bool = False

    @property
    def pixel_size_angstrom(self) -> float | None:
        """The side of a pixel, None if unknown. Raises ParticleDataError where pixels are not square."""
        if self.pixel_angstrom is None:
            return None
        x, y = self.pixel_angstrom
        if abs(x - y) > SQUARE_TOLERANCE * x:
            raise ParticleDataError(
                f"{self.path}: pixels of {x:.4f} x {y:.4f} Angstrom are not square; correct cella in the header, or give "
                "pixel_size_angstrom"
            )
        return x

    def read(self, numbers: np.ndarray) -> np.ndarray:
        """Return images (b, h, w) float32 by their numbers (b,).

        Raises:
            ParticleDataError: the file is gone, shorter than when it was opened, or its disk fails.
        """
        pixels = np.empty((len(numbers), self.height * self.width), self.dtype)
        try:
            self._fill(pixels, numbers)
        except OSError as error:
            raise ParticleDataError(f"{self.path}: cannot be read any more ({error.strerror}): {AGAIN}") from error
        images = pixels.astype(np.float32, copy=False)
        if not self.transposed:
            return images.reshape(-1, self.height, self.width)
        return np.ascontiguousarray(images.reshape(-1, self.width, self.height).swapaxes(1, 2))

    def _fill(self, pixels: np.ndarray, numbers: np.ndarray) -> None:
        """Read images into (b, pixels), each run of neighbours at once.

        Not by a map of the file: where that is cut short meanwhile, or its disk fails, the process would be killed.
        """
        size = pixels.shape[1] * self.dtype.itemsize
        starts = np.flatnonzero(np.diff(numbers, prepend=-2) != 1)
        with self.path.open("rb") as file:
            for run in np.split(np.arange(len(numbers)), starts[1:]) if len(numbers) else []:
                file.seek(self.offset + int(numbers[run[0]]) * size)
                wanted = pixels[run[0] : run[-1] + 1].view(np.uint8)
                found = file.readinto(wanted.data)
                if found < wanted.nbytes:
                    lost = int(numbers[run[0]]) + found // size
                    raise ParticleDataError(f"{self.path}: ends before image {lost + 1}, which it had at the start: {AGAIN}")


@dataclass(frozen=True)
class TorchImages:
    """Images in a tensor written by ``torch.save``, mapped anew for each read."""

    path: Path
    count: int
    height: int
    width: int
    pixel_size_angstrom: float | None = None
    may_be_volume: bool = False

    def read(self, numbers: np.ndarray) -> np.ndarray:
        """Return images (b, h, w) float32 by their numbers (b,)."""
        stack = load_tensor(self.path).reshape(self.count, self.height, self.width)
        return stack[torch.from_numpy(numbers)].to(torch.float32).numpy()


def open_npy(path: Path) -> StoredImages:
    """Open a ``.npy`` array of shape (n, h, w), (n, 1, h, w) or (h, w), with real numbers in C order.

    Raises:
        ParticleDataError: anything else, such as objects (which would be pickles), or a truncated file.
    """
    try:
        with path.open("rb") as file:
            version = np.lib.format.read_magic(file)
            read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, fortran_order, dtype = read_header(file)
            offset = file.tell()
    except Exception as error:  # numpy parses the header as Python text and raises whatever that raises
        raise ParticleDataError(f"{path}: not a readable .npy file: {error}") from error
    if dtype.kind not in "fiu" or fortran_order:
        raise ParticleDataError(
            f"{path}: holds {dtype} in {'Fortran' if fortran_order else 'C'} order; save real numbers in C order"
        )
    count, height, width = image_shape(path, tuple(shape))
    needed, found = offset + count * height * width * dtype.itemsize, path.stat().st_size
    if found != needed:
        raise ParticleDataError(f"{path}: the header states {needed} bytes, the file has {found}: copy or save it again")
    return StoredImages(path, dtype, offset, count, height, width)


def open_pt(path: Path) -> TorchImages:
    """Open a ``.pt`` tensor of shape (n, h, w), (n, 1, h, w) or (h, w), loaded with ``weights_only``: no code in it runs.

    Raises:
        ParticleDataError: anything but one dense real tensor.
    """
    tensor = load_tensor(path)
    return TorchImages(path, *image_shape(path, tuple(tensor.shape)))


def load_tensor(path: Path) -> Tensor:
    """Return the tensor in a ``.pt`` file, memory-mapped unless the file is older than torch 1.6."""
    try:
        loaded = read_torch(path)
    except UntrustedFileError as error:
        raise ParticleDataError(f"{error}. Save the image tensor alone") from error
    if not isinstance(loaded, Tensor):
        raise ParticleDataError(f"{path}: holds a {type(loaded).__name__}, not a tensor; save the image tensor alone")
    if loaded.is_complex() or loaded.dtype == torch.bool or loaded.layout != torch.strided or loaded.is_quantized:
        raise ParticleDataError(f"{path}: holds a {loaded.dtype} {loaded.layout} tensor; save dense real numbers")
    if loaded.is_meta or loaded.numel() * loaded.element_size() > loaded.untyped_storage().nbytes():
        raise ParticleDataError(f"{path}: states {tuple(loaded.shape)} numbers, but holds fewer; save the whole tensor")
    return loaded.detach()  # a parameter, or a tensor that required a gradient when it was saved


def image_shape(path: Path, shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Return n, h, w of an array of shape (n, h, w), (n, 1, h, w) or (h, w). Raises ParticleDataError for other shapes."""
    if len(shape) == 2:
        shape = (1, *shape)
    if len(shape) == 4 and shape[1] == 1:
        shape = (shape[0], *shape[2:])
    if len(shape) != 3 or min(shape) < 1:
        raise ParticleDataError(f"{path}: holds an array of shape {shape}; expected (n, h, w), (n, 1, h, w) or (h, w)")
    return shape[0], shape[1], shape[2]
