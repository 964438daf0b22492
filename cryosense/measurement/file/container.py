"""The container: an HDF5 file of plain arrays, with a directory of them in its user block.

Any HDF5 reader opens it. Cryosense reads it by the directory, which says in text where each array begins: no part of an HDF5
library parses what strangers wrote, a file that was cut short can be read up to its end, and no size is believed before it is
checked against that of the file. The arrays are contiguous and unfiltered; the large one comes last.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cryosense.errors import CodingError, MeasurementFileError
from cryosense.files.writing import written_whole
from cryosense.measurement.file.pieces import Pieces

MAGIC, VERSION, SUFFIX = "cryosense-measurement", 2, ".cryo.h5"
USER_BLOCK = 1024
TYPES = {"u1", "u2", "u4", "i8", "f4", "f8"}
LAST = "levels"


@dataclass(frozen=True)
class Entry:
    """One array: type, where it begins, how many numbers, and their CRC-32 (0 for the levels, whose blocks have their own)."""

    dtype: np.dtype
    offset: int
    count: int
    checksum: int

    @property
    def end(self) -> int:
        """Position of the first byte behind the array."""
        return self.offset + self.count * self.dtype.itemsize


@dataclass(frozen=True)
class Container:
    """The arrays of a file, not yet read.

    Attributes:
        path: the file.
        entries: the arrays by name.
        size: bytes that the file had when it was written.
        available: bytes that it has now.
    """

    path: Path
    entries: Mapping[str, Entry]
    size: int
    available: int

    def array(self, name: str) -> np.ndarray | None:
        """Return a small array, or None if there is none.

        Raises:
            MeasurementFileError: an array that is damaged or lies beyond the file's end.
        """
        entry = self.entries.get(name)
        if entry is None:
            return None
        content = self.read(entry.offset, entry.count * entry.dtype.itemsize)
        if zlib.crc32(content) != entry.checksum:
            raise MeasurementFileError(f"{self.path}: its {name} are damaged (checksum): get the file again")
        return np.frombuffer(content, entry.dtype)

    def read(self, offset: int, size: int) -> bytes:
        """Return bytes of the file. Raises MeasurementFileError beyond its end, before memory is taken."""
        if offset < 0 or size < 0 or offset + size > self.available:
            raise MeasurementFileError(f"{self.path}: was cut short: {self.available} bytes of {self.size}")
        with self.path.open("rb") as file:
            file.seek(offset)
            return file.read(size)


def open_container(path: Path) -> Container:
    """Read the directory of a file.

    Raises:
        MeasurementFileError: a file that is missing, not of this kind, of another version, or whose directory is damaged.
    """
    try:
        with path.open("rb") as file:
            head = file.read(USER_BLOCK)
        available = path.stat().st_size
    except OSError as error:
        raise MeasurementFileError(f"{path}: cannot be read: {error.strerror}") from error
    lines = head.split(b"\n")
    words = lines[0].split(b" ")
    if words[0] != MAGIC.encode() or len(words) != 2 or len(lines) < 4:
        raise MeasurementFileError(f"{path}: not a measurement file of cryosense: `cryosense measure` writes them")
    if words[1] != str(VERSION).encode():
        shown = words[1][:20].decode("ascii", "replace")
        raise MeasurementFileError(
            f"{path}: format version {shown}; this cryosense reads {VERSION}: use the one that wrote it, or measure again"
        )
    if lines[2] != b"%08x" % zlib.crc32(lines[1]):
        raise MeasurementFileError(f"{path}: its directory is damaged (checksum): get the file again")
    try:
        return _directory(path, json.loads(lines[1]), available)
    except (ValueError, OverflowError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise MeasurementFileError(f"{path}: its directory is not what this version writes ({error})") from error


def _directory(path: Path, content: Any, available: int) -> Container:
    size, entries = int(content["size"]), {}
    for name, (code, offset, count, checksum) in content["arrays"].items():
        numbers = (offset, count, checksum)
        if code not in TYPES or any(not isinstance(number, int) or number < 0 for number in numbers):
            raise CodingError(f"array {name}")
        entries[name] = Entry(np.dtype(f"<{code}"), offset, count, checksum)
        if entries[name].end > size:
            raise CodingError(f"array {name} ends beyond the file")
    return Container(path, entries, size, available)


def write_container(path: Path, arrays: Mapping[str, np.ndarray], levels: Iterable[bytes], level_bytes: int) -> None:
    """Write small arrays, then the levels piece by piece; the file appears whole or not at all, with identical bytes."""
    import h5py  # here, because few runs need it

    with written_whole(path) as unfinished:
        pieces = Pieces()
        with h5py.File(_created(pieces)) as file:
            made = {name: _contiguous(file, name, array.dtype, len(array)) for name, array in arrays.items()}
            made[LAST] = _contiguous(file, LAST, np.dtype("u1"), level_bytes)
            for name, array in arrays.items():
                made[name][...] = array
            checksums = {name: zlib.crc32(array.tobytes()) for name, array in arrays.items()}
            directory = {
                name: (each.dtype.str[1:], each.id.get_offset(), each.shape[0], checksums.get(name, 0))
                for name, each in made.items()
            }
        pieces.write_to(unfinished)
        start = directory[LAST][1]
        _write_levels(unfinished, start, levels, level_bytes)
        _write_directory(unfinished, directory)


def _created(pieces: Pieces) -> Any:
    """An empty file that any HDF5 library since 1.8 reads: little room set aside, no times, which would differ each time."""
    import h5py

    made, access = h5py.h5p.create(h5py.h5p.FILE_CREATE), h5py.h5p.create(h5py.h5p.FILE_ACCESS)
    made.set_userblock(USER_BLOCK)
    made.set_obj_track_times(False)
    access.set_libver_bounds(h5py.h5f.LIBVER_V18, h5py.h5f.LIBVER_V18)
    access.set_meta_block_size(256)
    access.set_fclose_degree(h5py.h5f.CLOSE_STRONG)
    access.set_fileobj_driver(h5py.h5fd.fileobj_driver, pieces)
    return h5py.h5f.create(b"pieces", h5py.h5f.ACC_EXCL, made, access)


def _contiguous(file: Any, name: str, dtype: np.dtype, count: int) -> Any:
    """Create a data set whose space is allocated at once, in the order of these calls."""
    import h5py

    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_layout(h5py.h5d.CONTIGUOUS)
    properties.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    properties.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    properties.set_obj_track_times(False)
    space = h5py.h5s.create_simple((count,))
    kind = h5py.h5t.py_create(dtype.newbyteorder("<"), logical=True)
    return h5py.Dataset(h5py.h5d.create(file.id, name.encode(), kind, space, properties))


def _write_levels(path: Path, start: int, levels: Iterable[bytes], level_bytes: int) -> None:
    with path.open("r+b") as file:
        file.seek(start)
        for piece in levels:
            file.write(piece)
        if file.tell() != start + level_bytes:
            raise MeasurementFileError(f"{path}: {file.tell() - start} bytes of levels; {level_bytes} were expected")


def _write_directory(path: Path, directory: Mapping[str, tuple[str, int, int, int]]) -> None:
    text = json.dumps({"size": path.stat().st_size, "arrays": directory}, separators=(",", ":")).encode()
    block = b"%s %d\n%s\n%08x\n" % (MAGIC.encode(), VERSION, text, zlib.crc32(text))
    if len(block) > USER_BLOCK:
        raise MeasurementFileError(f"{path}: a directory of {len(block)} bytes; only {USER_BLOCK} are reserved for it")
    with path.open("r+b") as file:
        file.write(block.ljust(USER_BLOCK, b"\0"))
        os.fsync(file.fileno())
