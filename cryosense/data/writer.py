"""Writing particle stacks image by image: a file that RELION opens, that can be resumed, and that overwrites nothing."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import numpy as np
import torch
from mrcfile.dtypes import HEADER_DTYPE
from torch import Tensor

from cryosense.errors import ParticleDataError
from cryosense.shown import ShowsParameters

# What an unfinished file holds after its images, one record per particle: whether it was written, and its statistics. A
# particle is marked only after its pixels are in the file, so a killed process leaves a file that says what it holds, and a
# file with records after its images cannot be taken for a finished stack.
RECORD_DTYPE = np.dtype([("written", "<f8"), ("minimum", "<f8"), ("maximum", "<f8"), ("sum", "<f8"), ("squares", "<f8")])
# Header fields for statistics, and the values by which MRC2014 marks them as not computed.
STATISTICS = {"dmin": 0.0, "dmax": -1.0, "dmean": -2.0, "rms": -1.0}


class StackWriter(ShowsParameters):
    """A writer of a float32 ``.mrcs`` of ``count`` images; memory does not grow with the stack.

    Images go to ``path`` + ``.partial``; ``finish`` completes the header and renames it. An existing partial file of the same
    count, box and pixel size is continued: ``written`` tells which images it already holds. Space on the disk is allocated at
    the start, where the file system can do so. A pixel size of None is written as 0, the MRC header's "unknown". For one
    process at a time.

    Raises:
        ParticleDataError: ``path`` exists, a partial file of another shape is in the way, or the disk is full.
    """

    def __init__(self, path: str | Path, count: int, box_size: int, pixel_size_angstrom: float | None) -> None:
        self.path = Path(path)
        self.partial_path = self.path.with_name(self.path.name + ".partial")
        self.count, self.box_size, self.pixel_size_angstrom = count, box_size, pixel_size_angstrom
        if count < 1 or box_size < 1:
            raise ParticleDataError(
                f"{self.path}: a stack needs at least one image of one pixel, not {count} of {box_size} px"
            )
        self._refuse_existing()
        self._image_bytes = 4 * box_size**2
        self._records_start = HEADER_DTYPE.itemsize + count * self._image_bytes
        self._file: BinaryIO = self._continue() if self.partial_path.exists() else self._begin()

    @property
    def written(self) -> Tensor:
        """Which images the file holds, (count,) bool."""
        return torch.from_numpy(self._records()["written"] == 1.0)

    def write(self, start: int, images: Tensor) -> None:
        """Store images (b, 1, n, n) as particles ``start`` to ``start + b - 1``, replacing what was there.

        Raises:
            ParticleDataError: another shape, a place outside the stack, values that are not finite, or a full disk; what was
                written before stays.
        """
        expected = (images.shape[0], 1, self.box_size, self.box_size)
        if tuple(images.shape) != expected:
            raise ParticleDataError(f"{self.path}: images of shape {tuple(images.shape)} do not fit, expected {expected}")
        if start < 0 or start + len(images) > self.count:
            raise ParticleDataError(
                f"{self.path}: particles {start} to {start + len(images) - 1} lie outside a stack of {self.count} images"
            )
        pixels = images.detach().to("cpu", torch.float32).contiguous().numpy().astype("<f4", copy=False)
        records = self._statistics(start, pixels.reshape(len(images), self.box_size**2))
        self._write_at(HEADER_DTYPE.itemsize + start * self._image_bytes, pixels.tobytes())
        self._write_at(self._records_start + start * RECORD_DTYPE.itemsize, records.tobytes())

    def finish(self) -> None:
        """Complete the header (statistics over all images), cut off the records, and give the file its name.

        Raises:
            ParticleDataError: an image is missing, or ``path`` has appeared meanwhile.
        """
        records = self._records()
        missing = np.flatnonzero(records["written"] != 1.0)
        if len(missing):
            raise ParticleDataError(
                f"{self.partial_path}: {len(missing)} of {self.count} images were never written, the first is {missing[0]}"
            )
        self._refuse_existing()
        header = self._header()
        mean = records["sum"].sum() / (self.count * self.box_size**2)
        header["dmin"], header["dmax"], header["dmean"] = records["minimum"].min(), records["maximum"].max(), mean
        header["rms"] = np.sqrt(max(records["squares"].sum() / (self.count * self.box_size**2) - mean**2, 0.0))
        self._write_at(0, header.tobytes())
        self._file.truncate(self._records_start)
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self.partial_path.rename(self.path)

    def __enter__(self) -> StackWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if error is None:
            self._file.close()
            return
        # After a failed write, closing tries once more and fails again: the first error is the one to show.
        with contextlib.suppress(OSError):
            self._file.close()

    def _write_at(self, offset: int, content: bytes) -> None:
        try:
            self._file.seek(offset)
            self._file.write(content)
            self._file.flush()
        except OSError as error:
            raise ParticleDataError(
                f"{self.partial_path}: {error}; once there is room, the same run goes on from here"
            ) from error

    def _refuse_existing(self) -> None:
        if self.path.exists():
            raise ParticleDataError(f"{self.path}: exists and is not overwritten; choose another output or remove it")

    def _begin(self) -> BinaryIO:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        size = self._records_start + self.count * RECORD_DTYPE.itemsize
        file = self.partial_path.open("x+b")
        try:
            file.write(self._header().tobytes())
            file.truncate(size)
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, size)
        except OSError as error:
            self.partial_path.unlink()
            with contextlib.suppress(OSError):
                file.close()
            raise ParticleDataError(f"{self.path}: no room for a stack of {size} bytes: {error}") from error
        return file

    def _continue(self) -> BinaryIO:
        size = self.partial_path.stat().st_size
        if size <= HEADER_DTYPE.itemsize:  # killed before there was room for anything
            self.partial_path.unlink()
            return self._begin()
        with self.partial_path.open("rb") as file:
            header = np.frombuffer(file.read(HEADER_DTYPE.itemsize), self._header().dtype)[0].copy()
        for name in STATISTICS:  # killed in finish, these may be there already
            header[name] = self._header()[name]
        whole = self._records_start + self.count * RECORD_DTYPE.itemsize
        if header.tobytes() != self._header().tobytes() or size not in (self._records_start, whole):
            raise ParticleDataError(
                f"{self.partial_path}: an unfinished stack that is not {self.count} images of {self.box_size} px at "
                f"{self.pixel_size_angstrom} Angstrom per pixel; remove it or choose another output"
            )
        opened = self.partial_path.open("r+b")
        if size == self._records_start:
            self._append_records(opened)
        return opened

    def _append_records(self, file: BinaryIO) -> None:
        """Append the records again after a kill between the last two steps of ``finish``: only they are missing then."""
        for number in range(self.count):
            file.seek(HEADER_DTYPE.itemsize + number * self._image_bytes)
            record = self._statistics(number, np.frombuffer(file.read(self._image_bytes), "<f4")[None])
            file.seek(self._records_start + number * RECORD_DTYPE.itemsize)
            file.write(record.tobytes())

    def _header(self) -> np.ndarray:
        """Return the MRC2014 header of an image stack (space group 0, one section per image)."""
        header = np.zeros((), HEADER_DTYPE.newbyteorder("<"))
        header["nx"] = header["ny"] = header["mx"] = header["my"] = self.box_size
        header["nz"], header["mz"], header["mode"] = self.count, 1, 2
        pixel_size = self.pixel_size_angstrom or 0.0
        header["cella"] = (self.box_size * pixel_size, self.box_size * pixel_size, pixel_size)
        header["cellb"] = (90.0, 90.0, 90.0)
        header["mapc"], header["mapr"], header["maps"] = 1, 2, 3
        for name, unknown in STATISTICS.items():
            header[name] = unknown
        header["nversion"], header["map"], header["machst"] = 20141, b"MAP ", (0x44, 0x44, 0, 0)
        return header

    def _records(self) -> np.ndarray:
        self._file.flush()
        self._file.seek(self._records_start)
        return np.frombuffer(self._file.read(self.count * RECORD_DTYPE.itemsize), RECORD_DTYPE)

    def _statistics(self, start: int, pixels: np.ndarray) -> np.ndarray:
        records = np.empty(len(pixels), RECORD_DTYPE)
        records["written"] = 1.0
        records["minimum"], records["maximum"] = pixels.min(1), pixels.max(1)
        records["sum"] = pixels.sum(1, dtype=np.float64)
        records["squares"] = np.square(pixels, dtype=np.float64).sum(1)
        bad = np.flatnonzero(~np.isfinite(records["squares"]))
        if len(bad):
            raise ParticleDataError(f"{self.path}: image {start + bad[0]} holds values that are not finite: none written")
        return records
