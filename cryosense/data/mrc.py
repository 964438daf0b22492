"""MRC files: the header is checked against the size of the file before any image is read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from mrcfile.dtypes import HEADER_DTYPE

from cryosense.errors import ParticleDataError

from .image_files import StoredImages

# MRC2014 modes of real images: https://www.ccpem.ac.uk/mrc_format/mrc2014.php; 12 is float16 (MRC2014 extension, RELION 4).
REAL_MODES = {0: "i1", 1: "i2", 2: "f4", 6: "u2", 12: "f2"}
OTHER_MODES = {3: "complex int16", 4: "complex float32", 101: "4-bit"}
STAMP = b"MAP "
_BYTE_ORDER_OF_STAMP = {0x44: "<", 0x11: ">"}

# What IMOD adds to the header (https://bio3d.colorado.edu/imod/doc/mrc_format.txt): the stamp says that flags follow.
IMOD_STAMP = 1146047817
STAMP_BYTE, FLAGS_BYTE = 152, 156
SIGNED_BYTES, INVERTED_ORIGIN, HALF_BYTES = 1, 4, 16
# Space groups: 1 a volume, 401 and above stacks of volumes.
VOLUME, FIRST_VOLUME_STACK = 1, 401


def open_mrc(path: Path) -> StoredImages:
    """Open an MRC image stack (or image, or volume as a stack of sections) of mode 0, 1, 2, 6 or 12, in either byte order.

    The pixel size is the header's cell size over its sampling, in Angstrom; None where the header says 0 along x or y. Images
    whose rows run along y are transposed, so that x runs along the last axis as in all others.

    Raises:
        ParticleDataError: a compressed, truncated or foreign file, a header that disagrees with the size of the file, modes
            that hold no real images, stacks of volumes, or sections that do not follow each other along z.
    """
    header = read_header(path)
    dtype = sample_dtype(path, header)
    start = check_size(path, header, dtype)
    columns, rows, count = (int(header[name]) for name in ("nx", "ny", "nz"))
    axes, space_group = read_axes(path, header), int(header["ispg"])
    if axes[2] != 2:
        raise ParticleDataError(
            f"{path}: sections along {'xyz'[axes[2]]} (maps in the header) are not images; reorder the axes"
        )
    if space_group >= FIRST_VOLUME_STACK:
        raise ParticleDataError(f"{path}: a stack of volumes (space group {space_group}), not of images")
    transposed = axes[0] == 1
    height, width = (columns, rows) if transposed else (rows, columns)
    cube = space_group == VOLUME and count > 1 and columns == rows == count
    return StoredImages(path, dtype, start, count, height, width, _pixel(header), transposed, cube)


def read_header(path: Path) -> np.ndarray:
    """Return the header in its own byte order, of the type ``mrcfile.dtypes.HEADER_DTYPE``.

    Raises:
        ParticleDataError: a compressed file, or one that is shorter than a header.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(HEADER_DTYPE.itemsize)
    if start[:2] == b"\x1f\x8b" or start[:3] == b"BZh":
        raise ParticleDataError(f"{path}: is compressed, which cannot be read piece by piece: decompress it first")
    if size < HEADER_DTYPE.itemsize:
        raise ParticleDataError(
            f"{path}: {size} bytes are fewer than an MRC header's {HEADER_DTYPE.itemsize}: truncated or not an MRC file"
        )
    header = np.frombuffer(start, HEADER_DTYPE)[0]
    order = _BYTE_ORDER_OF_STAMP.get(int(header["machst"][0]))
    if order is None:
        # Old programs left the stamp empty: then the mode, a small number, reveals the byte order.
        order = "<" if 0 <= int.from_bytes(start[12:16], "little") <= 101 else ">"
    return np.frombuffer(start, HEADER_DTYPE.newbyteorder(order))[0]


def sample_dtype(path: Path, header: np.ndarray) -> np.dtype:
    """Return the type of the samples.

    Bytes are signed as in MRC2014, unless IMOD's flags, or a header that states values above 127, say that they are not.

    Raises:
        ParticleDataError: modes that hold no real images.
    """
    mode, flags = int(header["mode"]), imod_flags(header)
    if flags is not None and flags & HALF_BYTES:
        raise ParticleDataError(f"{path}: two 4-bit values in each byte (imodFlags {flags}) are not read; convert it to bytes")
    if mode not in {*REAL_MODES, *OTHER_MODES} and bytes(header["map"]) != STAMP:
        raise ParticleDataError(f"{path}: not an MRC file: neither its mode ({mode}) nor its stamp ('MAP ') is one of those")
    if mode not in REAL_MODES:
        known = ", ".join(map(str, REAL_MODES))
        raise ParticleDataError(
            f"{path}: MRC mode {mode} ({OTHER_MODES.get(mode, 'unknown')}) holds no real images; known: {known}"
        )
    if mode == 0 and _bytes_are_unsigned(header, flags):
        return np.dtype("u1")
    return np.dtype(header.dtype["mode"].byteorder + REAL_MODES[mode])


def imod_flags(header: np.ndarray) -> int | None:
    """Return IMOD's flags, None in a header without IMOD's stamp."""
    order = ">" if header.dtype["mode"].byteorder == ">" else "<"
    content = header.tobytes()
    stamp, flags = (int(np.frombuffer(content[at : at + 4], f"{order}i4")[0]) for at in (STAMP_BYTE, FLAGS_BYTE))
    return flags if stamp == IMOD_STAMP else None


def _bytes_are_unsigned(header: np.ndarray, flags: int | None) -> bool:
    if flags is not None:
        return not flags & SIGNED_BYTES
    return 127 < float(header["dmax"]) <= 255 and float(header["dmin"]) >= 0


def read_axes(path: Path, header: np.ndarray) -> list[int]:
    """Return 0, 1 or 2 (x, y or z) for columns, rows and sections; old programs left the fields empty."""
    axes = [int(header[name]) for name in ("mapc", "mapr", "maps")]
    if axes == [0, 0, 0]:
        return [0, 1, 2]
    if sorted(axes) != [1, 2, 3]:
        raise ParticleDataError(f"{path}: header fields mapc, mapr, maps = {axes} are not an order of the axes: correct them")
    return [axis - 1 for axis in axes]


def check_size(path: Path, header: np.ndarray, dtype: np.dtype) -> int:
    """Return the number of bytes before the first sample. Raises ParticleDataError unless the file is as long as it claims."""
    width, height, count, extended = (int(header[name]) for name in ("nx", "ny", "nz", "nsymbt"))
    if min(width, height, count) < 1 or extended < 0:
        raise ParticleDataError(f"{path}: the header states {count} images of {width} x {height} px: not an MRC stack")
    size, start, image_bytes = path.stat().st_size, HEADER_DTYPE.itemsize + extended, width * height * dtype.itemsize
    needed, kind = start + count * image_bytes, f"{width} x {height} px, mode {int(header['mode'])}"
    claim = f"the header states {count} images ({kind}), {needed} bytes with {start} before the first, but the file has {size}"
    if size < needed:
        complete = max(size - start, 0) // image_bytes
        raise ParticleDataError(f"{path}: truncated: {claim}, enough for {complete} images; copy or write the file again")
    if size > needed:
        raise ParticleDataError(f"{path}: header and file disagree: {claim}; correct nx, ny, nz, mode or nsymbt in the header")
    return start


def _pixel(header: np.ndarray) -> tuple[float, float] | None:
    """Return the sides of a pixel along x and y, None where one of them is unknown: cell or sampling 0, or no number."""
    samples = [int(header[name]) for name in ("mx", "my")]
    cell = [float(header["cella"][axis]) for axis in ("x", "y")]
    if min(samples) < 1 or not all(0 < side < np.inf for side in cell):
        return None
    # The header holds float32: six digits are meaningful, the rest is rounding.
    x, y = (float(f"{side / count:.6g}") for side, count in zip(cell, samples, strict=True))
    return x, y
