"""NumPy archives and torch files from unknown sources: sizes are checked before memory is taken, code never runs."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from cryosense.errors import ArgumentError, UntrustedFileError
from cryosense.files.limits import open_regular
from cryosense.files.torch_pickles import check_torch_file

# Images hardly compress; masks and clean images do. Anything beyond this is made to fill the memory.
MOST_EXPANSION = 50
ALWAYS_EXPANDED_BYTES = 2**24


def read_npz(path: Path, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Return those of the named arrays that a ``.npz`` archive holds.

    Raises:
        UntrustedFileError: a file that cannot be read or is not an archive of arrays, an array whose header disagrees with its
            size, one of objects, or arrays more than 50 times as large as the file.
    """
    try:
        with open_regular(path) as file, zipfile.ZipFile(file) as archive:
            known = {info.filename: info for info in archive.infolist()}
            members = {name: known[f"{name}.npy"] for name in names if f"{name}.npy" in known}
            expanded = sum(info.file_size for info in members.values())
            if expanded > max(ALWAYS_EXPANDED_BYTES, MOST_EXPANSION * path.stat().st_size):
                raise UntrustedFileError(f"{path}: would take {expanded} bytes of memory, far more than its own size")
            return {name: _array(archive, info) for name, info in members.items()}
    except UntrustedFileError:
        raise
    except Exception as error:  # numpy parses headers as Python text and raises whatever that raises
        raise UntrustedFileError(f"{path}: not a readable .npz archive of numbers: {error}") from error


def _array(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> np.ndarray:
    with archive.open(info) as file:
        version = np.lib.format.read_magic(file)
        read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran_order, dtype = read_header(file)
        if dtype.kind not in "fiub":
            raise ArgumentError(f"{info.filename} holds {dtype}")
        content = file.read(info.file_size)
    count = int(np.prod([int(side) for side in shape], dtype=object))
    if count * dtype.itemsize != len(content):
        raise ArgumentError(f"{info.filename}: its header states shape {shape}, but {len(content)} bytes follow")
    return np.frombuffer(content, dtype).reshape(shape, order="F" if fortran_order else "C").copy()


def read_torch(path: Path) -> object:
    """Return what ``torch.save`` wrote, if it is tensors and plain containers; memory-mapped unless older than torch 1.6.

    Raises:
        UntrustedFileError: anything else, none of which was run, or a small file that would fill the memory.
    """
    with open_regular(path) as file:
        try:
            mapped = check_torch_file(path, file)
            return torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
        except Exception as error:  # torch raises whatever a broken or hostile file makes it raise
            reason = str(error).strip().split("\n")[0][:200]
            raise UntrustedFileError(
                f"{path}: not a file of plain tensors, or damaged; nothing in it was run ({reason})"
            ) from error
