"""Atomic models in files of unknown origin: sizes are checked before memory is taken, and one error names the file."""

from __future__ import annotations

import bz2
import gzip
import math
import zlib
from pathlib import Path
from typing import Any

import gemmi

from cryosense.errors import ModelFileError
from cryosense.files.limits import read_up_to

# The largest structures of the PDB, virus capsids of several million atoms, are below this as text. Parsed, text takes up to
# 26 times its size; models shrink to a quarter or a sixth when compressed, so anything that expands more is a trap.
LARGEST_BYTES = 2**30
MOST_EXPANSION, ALWAYS_EXPANDED_BYTES = 30, 2**20
FARTHEST_ANGSTROM = 1e6  # from the origin: no molecule has atoms there
_ASCII = bytes(range(128)) + b"?" * 128
_FORMATS = {
    ".cif": gemmi.CoorFormat.Mmcif,
    ".mmcif": gemmi.CoorFormat.Mmcif,
    ".pdb": gemmi.CoorFormat.Pdb,
    ".ent": gemmi.CoorFormat.Pdb,
    ".pdbqt": gemmi.CoorFormat.Pdb,  # AutoDock's: the same columns, but charges and its own atom types from the 67th on
}
_PDBQT_COLUMNS = 66
_COMPRESSED: dict[str, Any] = {".gz": gzip.open, ".bz2": bz2.open}


def read_structure(path: str | Path) -> gemmi.Structure:
    """Read the structure in a PDB, PDBQT or mmCIF file, which may be compressed; parts of a chain are joined.

    Raises:
        ModelFileError: no such file, another format, too much text, text that cannot be parsed, no atoms, or an atom whose
            position is not finite or a tenth of a millimetre away.
    """
    path = Path(path)
    if not path.is_file():
        raise ModelFileError(f"{path}: there is no such file: name an atomic model in PDB or mmCIF format")
    suffixes = [suffix.lower() for suffix in path.suffixes[-2:]]
    compressed = suffixes[-1:] != [] and suffixes[-1] in _COMPRESSED
    known = _FORMATS.get((suffixes[:-1] if compressed else suffixes)[-1]) if suffixes[compressed:] else None
    if known is None:
        raise ModelFileError(f"{path}: atomic models are read from {', '.join(_FORMATS)} files, which may end in .gz or .bz2")
    content = _text(path, compressed)
    if ".pdbqt" in suffixes:
        content = b"\n".join(line[:_PDBQT_COLUMNS] for line in content.splitlines())
    try:
        structure = gemmi.read_structure_string(content, format=known)
        structure.setup_entities()
    except (OSError, RuntimeError, ValueError, IndexError, MemoryError) as error:
        raise ModelFileError(f"{path}: cannot be read as an atomic model: {_first_line(error)}") from error
    return _checked(path, structure)


def _text(path: Path, compressed: bool) -> bytes:
    limit = max(ALWAYS_EXPANDED_BYTES, MOST_EXPANSION * path.stat().st_size) if compressed else LARGEST_BYTES
    largest = min(limit, LARGEST_BYTES)
    try:
        with _COMPRESSED[path.suffix.lower()](path) if compressed else path.open("rb") as file:
            content = read_up_to(file, largest + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise ModelFileError(f"{path}: cannot be decompressed: {error}") from error
    if len(content) > largest:
        advice = "decompress it, if you trust it" if compressed else "no atomic model is that large"
        raise ModelFileError(f"{path}: more than {largest} bytes of text: {advice}")
    # Authors' names in old files have old encodings, of one byte or several; everything that matters is plain ASCII.
    return content.translate(_ASCII)


def _checked(path: Path, structure: gemmi.Structure) -> gemmi.Structure:
    if not len(structure) or not structure[0].count_atom_sites():
        raise ModelFileError(f"{path}: the file holds no atoms of a molecule: name another")
    for site in structure[0].all():
        if not max(map(abs, site.atom.pos.tolist()), default=0.0) < FARTHEST_ANGSTROM or math.isnan(site.atom.pos.length()):
            raise ModelFileError(f"{path}: atom {site} is at {site.atom.pos.tolist()}, which cannot be: correct or remove it")
    return structure


def _first_line(error: BaseException) -> str:
    return str(error).strip().split("\n")[0][:200] or type(error).__name__
