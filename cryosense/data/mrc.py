"""MRC files: the header is checked against the size of the file before a byte of image is touched."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from mrcfile.dtypes import HEADER_DTYPE

from cryosense.errors import ParticleDataError

from .mapped import MappedImages

# MRC2014 modes of real images: https://www.ccpem.ac.uk/mrc_format/mrc2014.php; 12 is float16 (MRC2014 extension, RELION 4).
REAL_MODES = {0: "i1", 1: "i2", 2: "f4", 6: "u2", 12: "f2"}
OTHER_MODES = {3: "complex int16", 4: "complex float32", 101: "4-bit"}
_BYTE_ORDER_OF_STAMP = {0x44: "<", 0x11: ">"}


def open_mrc(path: Path) -> MappedImages:
    """An MRC image stack (or image, or volume as a stack of sections) of mode 0, 1, 2, 6 or 12, either byte order.

    The pixel size is the header's cell size over its sampling, in Angstrom; ``None`` where the header says 0.

    Raises :class:`ParticleDataError` for a compressed, truncated or foreign file, for a header that disagrees with the size of
    the file, and for modes that hold no real images.
    """
    header = read_header(path)
    dtype = sample_dtype(path, header)
    start = check_size(path, header, dtype)
    width, height, count = (int(header[name]) for name in ("nx", "ny", "nz"))
    return MappedImages(path, dtype, start, count, height, width, _pixel_size(path, header))


def read_header(path: Path) -> np.ndarray:
    """-> the header in its own byte order, of the type ``mrcfile.dtypes.HEADER_DTYPE``.

    Raises :class:`ParticleDataError` for a compressed file, and one that is shorter than a header.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(HEADER_DTYPE.itemsize)
    if start[:2] == b"\x1f\x8b" or start[:3] == b"BZh":
        raise ParticleDataError(f"{path}: is compressed, which cannot be read piece by piece: decompress it first")
    if size < HEADER_DTYPE.itemsize:
        raise ParticleDataError(
            f"{path}: {size} bytes are fewer than an MRC header's {HEADER_DTYPE.itemsize}: truncated or no MRC"
        )
    header = np.frombuffer(start, HEADER_DTYPE)[0]
    order = _BYTE_ORDER_OF_STAMP.get(int(header["machst"][0]))
    if order is None:
        # Old programs left the stamp empty: the mode, a small number, then tells the byte order.
        order = "<" if 0 <= int.from_bytes(start[12:16], "little") <= 101 else ">"
    return np.frombuffer(start, HEADER_DTYPE.newbyteorder(order))[0]


def sample_dtype(path: Path, header: np.ndarray) -> np.dtype:
    """-> the type of the samples. Raises :class:`ParticleDataError` for modes that hold no real images."""
    mode = int(header["mode"])
    if mode not in REAL_MODES:
        known = ", ".join(map(str, REAL_MODES))
        raise ParticleDataError(
            f"{path}: MRC mode {mode} ({OTHER_MODES.get(mode, 'unknown')}) holds no real images; known: {known}"
        )
    return np.dtype(header.dtype["mode"].byteorder + REAL_MODES[mode])


def check_size(path: Path, header: np.ndarray, dtype: np.dtype) -> int:
    """-> bytes before the first sample. Raises :class:`ParticleDataError` unless the file is as long as the header tells."""
    width, height, count, extended = (int(header[name]) for name in ("nx", "ny", "nz", "nsymbt"))
    if min(width, height, count) < 1 or extended < 0:
        raise ParticleDataError(f"{path}: the header tells of {count} images of {width} x {height} px: not an MRC stack")
    size, start, image_bytes = path.stat().st_size, HEADER_DTYPE.itemsize + extended, width * height * dtype.itemsize
    needed, kind = start + count * image_bytes, f"{width} x {height} px, mode {int(header['mode'])}"
    claim = (
        f"the header tells of {count} images ({kind}), {needed} bytes with {start} before the first, but the file has {size}"
    )
    if size < needed:
        complete = max(size - start, 0) // image_bytes
        raise ParticleDataError(f"{path}: truncated: {claim}, enough for {complete} images; copy or write the file again")
    if size > needed:
        raise ParticleDataError(f"{path}: header and file disagree: {claim}; correct nx, ny, nz, mode or nsymbt in the header")
    return start


def _pixel_size(path: Path, header: np.ndarray) -> float | None:
    if min(int(header["mx"]), int(header["my"])) < 1 or not float(header["cella"]["x"]) > 0:
        return None
    x = float(header["cella"]["x"]) / int(header["mx"])
    y = float(header["cella"]["y"]) / int(header["my"])
    if abs(x - y) > 1e-3 * x:
        raise ParticleDataError(f"{path}: pixels of {x:.4f} x {y:.4f} Angstrom are not square; correct cella in the header")
    # The header holds float32: six digits are what it says, more are rounding.
    return float(f"{x:.6g}")
