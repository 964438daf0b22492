"""Everything a measurement file says about itself except its levels: read once, checked, made into objects."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from cryosense.data.tables import Tables
from cryosense.errors import CodingError, MeasurementFileError
from cryosense.measurement.design import Design
from cryosense.measurement.file.container import LAST, Container
from cryosense.measurement.file.plain import make_design, make_noise, make_quantiser
from cryosense.measurement.file.table_codec import decode_tables
from cryosense.measurement.noise import Noise
from cryosense.measurement.quantisers import StoredQuantiser
from cryosense.measurement.quantisers import Tables as QuantiserTables

LARGEST_BOX, ALWAYS_BELIEVED = 2048, 256
PIXELS_PER_BYTE = 8000  # at most, for entropy-coded measurements through masks
MOST_NAMES = 1000
MOST_EXPANSION = 1000  # for the description, which is text
INDEX_TYPES = ("u1", "u2", "u4")


@dataclass(frozen=True)
class Description:
    """All of a file's contents but the levels.

    Attributes:
        content: the text as it is in the file.
        numbers: (n,) int64 particle numbers.
        starts: (n + 1,) int64, where the bytes of each particle begin among the levels.
        checksums: checksums of the blocks.
        offset, gain: (n,) float32, with image = offset + gain (measured image).
        tables: tables of the particles, with words as they were written.
    """

    content: Mapping[str, Any]
    box_size: int
    pixel_size_angstrom: float | None
    block: int
    design: Design
    noise: Noise
    quantiser: StoredQuantiser
    numbers: np.ndarray
    starts: np.ndarray
    checksums: np.ndarray
    offset: np.ndarray
    gain: np.ndarray
    tables: Tables


def read_description(container: Container) -> Description:
    """Read and check a file's description.

    Raises:
        MeasurementFileError: a file that contradicts itself or states what this version never writes.
    """
    try:
        return _read(container)
    except MeasurementFileError:
        raise
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError, ArithmeticError) as error:
        raise MeasurementFileError(f"{container.path}: is not what this version writes: {error}") from error


def _read(container: Container) -> Description:
    content = json.loads(unpacked(_needed(container, "description")))
    count, box, block = (_whole(content[key]) for key in ("particles", "box_size", "block_particles"))
    levels = container.entries[LAST]
    # Every particle takes at least a byte, so no count is believed for which the file has no room.
    if not 1 <= count <= levels.count or not 2 <= box <= LARGEST_BOX or block < 1 or levels.dtype.itemsize != 1:
        raise CodingError(f"{count} particles of {box} px in {levels.count} bytes of levels")
    starts = _starts(container, content, count)
    if box > ALWAYS_BELIEVED and box**2 > PIXELS_PER_BYTE * int(np.diff(starts).max()):
        raise CodingError(f"a box of {box} px for particles of at most {np.diff(starts).max()} bytes")
    if starts[-1] != levels.count:
        raise CodingError(f"its index ends at byte {starts[-1]} of {levels.count}")
    checksums = _sized(_needed(container, "checksums"), -(-count // block), "u4")
    quantiser = make_quantiser(content["quantiser"])
    quantiser.with_tables(_quantiser_tables(container, quantiser))
    tables = decode_tables(_needed(container, "star").tobytes(), count)
    if len(tables["particles"]) != count:
        raise CodingError(f"a table of {len(tables['particles'])} rows for {count} particles")
    offset, gain = _scaling(container, content, count)
    pixel_size = content["pixel_size_angstrom"]
    if pixel_size is not None and not 0 < float(pixel_size) < np.inf:
        raise CodingError(f"pixel size {pixel_size}")
    return Description(
        content=content,
        box_size=box,
        pixel_size_angstrom=None if pixel_size is None else float(pixel_size),
        block=block,
        design=make_design(content["design"], box),
        noise=make_noise(content["noise"]),
        quantiser=quantiser,
        numbers=_numbers(container, content, count),
        starts=starts,
        checksums=checksums,
        offset=offset,
        gain=gain,
        tables=Tables(container.path, tables["particles"], tables.get("optics"), _not_read(content)),
    )


def unpacked(array: np.ndarray) -> bytes:
    """Return the bytes that zlib compressed into an array.

    Raises:
        CodingError: other bytes, or more output than text can become.
    """
    unpacker = zlib.decompressobj()
    try:
        content = unpacker.decompress(array.tobytes(), max(2**16, MOST_EXPANSION * len(array)))
    except zlib.error as error:
        raise CodingError(f"its description is not compressed text ({error})") from error
    if not unpacker.eof:
        raise CodingError("its description is cut short or too large")
    return content


def _needed(container: Container, name: str) -> np.ndarray:
    array = container.array(name)
    if array is None:
        raise CodingError(f"it has no {name}")
    return array


def _whole(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise CodingError(f"{str(value)[:40]} is not a whole number")
    return value


def _sized(array: np.ndarray, count: int, *types: str) -> np.ndarray:
    if len(array) != count or array.dtype.str[1:] not in types:
        raise CodingError(f"{len(array)} {array.dtype} numbers, {count} of {' or '.join(types)} are needed")
    return array


def _starts(container: Container, content: Mapping[str, Any], count: int) -> np.ndarray:
    """Return where each particle's bytes begin, from ``least_bytes`` and, if they differ, what ``lengths`` adds to it."""
    lengths = np.full(count, _whole(content["least_bytes"]), np.int64)
    more = container.array("lengths")
    if more is not None:
        lengths += _sized(more, count, *INDEX_TYPES)
    if lengths.min() < 1 or lengths.max() > 2**40:
        raise CodingError(f"particles of {lengths.min()} to {lengths.max()} bytes")
    return np.concatenate([[0], np.cumsum(lengths)])


def _not_read(content: Mapping[str, Any]) -> tuple[str, ...]:
    """Fields of the file that was measured which its tables had no column for."""
    names = content["not_read"]
    if not isinstance(names, list) or len(names) > MOST_NAMES or any(not isinstance(name, str) for name in names):
        raise CodingError("names are expected of what was not read")
    return tuple(names)


def _numbers(container: Container, content: Mapping[str, Any], count: int) -> np.ndarray:
    given = container.array("numbers")
    numbers = np.arange(count) if given is None else _sized(given, count, "i8")
    if numbers.min() < 0 or len(np.unique(numbers)) < count:
        raise CodingError("particle numbers that are negative, or appear twice")
    return numbers


def _scaling(container: Container, content: Mapping[str, Any], count: int) -> tuple[np.ndarray, np.ndarray]:
    each = container.array("scaling")
    if each is None:
        pair = np.array([content["scaling"]["offset"], content["scaling"]["gain"]], np.float32)
        offset, gain = np.full(count, pair[0]), np.full(count, pair[1])
    else:
        offset, gain = _sized(each, 2 * count, "f4").reshape(2, count)
    if not (np.isfinite(offset).all() and np.isfinite(gain).all() and (gain > 0).all()):
        raise CodingError("a scaling that cannot be undone")
    return offset, gain


def _quantiser_tables(container: Container, quantiser: StoredQuantiser) -> QuantiserTables:
    std = _needed(container, "std")
    sizes = [len(values) for values in quantiser.values]
    values = _needed(container, "values") if sizes else np.zeros(0, np.float32)
    parts = np.split(_sized(values, sum(sizes), "f4"), np.cumsum(sizes)[:-1]) if sizes else []
    models, at = [], 0
    stored = _needed(container, "models") if any(quantiser.coded) else np.zeros(0, np.uint32)
    for coded, size in zip(quantiser.coded, sizes or [len(stored)], strict=True):  # floats have no values, and one part
        models.append(stored[at : at + size].astype(np.int64) if coded else None)
        at += size if coded else 0
    _sized(stored, at, "u4")
    return QuantiserTables(_sized(std, len(std), "f4"), tuple(models), tuple(parts))
