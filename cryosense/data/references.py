"""``NNNNNN@stack.mrcs``: from RELION's image names to files and image numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from cryosense.errors import ParticleDataError

from .image_files import ImageFile
from .images import Images, open_image_file
from .mrc import VOLUME


def images_by_reference(names: pd.Series, source: Path, root: Path | None) -> Images:
    """Return the images that the column ``rlnImageName`` of ``source`` names, in its order.

    Raises:
        ParticleDataError: with row and file: a name that is not understood, a stack that is not found, or an image past its
            end.
    """
    number, numbered, file_of, paths = split_names(names, source)
    files = []
    for code, name in enumerate(paths):
        found, tried = find_file(name, source, root, alone=len(paths) == 1)
        if found is None:
            row = int(np.argmax(file_of == code))
            raise ParticleDataError(
                f"{source}: row {row + 1} asks for the stack {name}, which is not there; tried {', '.join(map(str, tried))}; "
                "say where its paths begin (root)"
            )
        files.append(open_image_file(found))
    _check_numbered(numbered, file_of, files, source)
    _check_ends(number, file_of, files, source)
    return Images(tuple(files), file_of, number)


def images_of_one_file(names: pd.Series | None, count: int, source: Path, file: ImageFile, root: Path | None) -> Images:
    """Return the images of ``file`` that the rows of ``source`` describe.

    Rows that name this file are taken by their number, in the order of the rows. Rows without names, or whose names all lead
    elsewhere (the stack was moved, joined or binned since), are taken one after the other, and must be as many as the images.

    Raises:
        ParticleDataError: other counts, or only some rows that name this file.
    """
    if names is not None:
        number, numbered, file_of, paths = split_names(names, source)
        here = np.array([_is_same(name, source, root, file.path, len(paths) == 1) for name in paths])
        if here.all():
            same = np.zeros_like(file_of)
            _check_numbered(numbered, same, [file], source)
            _check_ends(number, same, [file], source)
            return Images((file,), same, number)
        if here.any():
            others = ", ".join(name for name, is_here in zip(paths, here, strict=True) if not is_here)
            raise ParticleDataError(
                f"{source}: some rows are in {file.path}, others in {others}; open {source.name} as the data"
            )
    if count != file.count:
        raise ParticleDataError(f"{source}: {count} rows for the {file.count} images of {file.path}; give one for each")
    return whole_file(file)


def whole_file(file: ImageFile) -> Images:
    """Return all images of one file in their order. Raises ParticleDataError for a volume."""
    if file.may_be_volume:
        raise ParticleDataError(
            f"{file.path}: a cube of {file.count} sections in space group {VOLUME}: a volume, not particle images; if these "
            f"are images, set ispg to 0 in the header, or name each (000001@{file.path.name}) in a STAR file"
        )
    return Images.whole(file)


def find_file(name: str, source: Path, root: Path | None, *, alone: bool = False) -> tuple[Path | None, list[Path]]:
    """Return the file or ``None``, and all the places tried.

    RELION writes paths relative to the project's folder, some levels above the STAR file's own: tried are ``root``, the folder
    of ``source``, and every folder above it. The one stack of a table, ``alone``, may have been moved with it, or copied: it
    is also looked for beside the table, and taken there if a folder above has another of the same name and size.
    """
    folder = source.absolute().parent
    bases = [*([root] if root is not None else []), folder, *folder.parents]
    beside = [Path(folder, Path(name).name)] if alone else []
    tried = list(dict.fromkeys([*(Path(base, name) for base in bases), *beside]))
    found = next((path for path in tried if _is_file(path)), None)
    is_copy = found is not None and root is None and any(_is_file(path) and _size(path) == _size(found) for path in beside)
    return beside[0] if is_copy else found, tried


def _size(path: Path) -> int:
    return path.stat().st_size


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that is too long, or has a zero byte in it
        return False


def split_names(names: pd.Series, source: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[str]]:
    """Return image numbers counted from 0, whether they are written there, file codes, and file names."""
    parts = names.astype(str).str.extract(r"^(?:(?P<number>\d+)@)?(?P<path>.+)$")
    number = pd.to_numeric(parts["number"].fillna("1"), errors="coerce").to_numpy(np.float64)
    wrong = np.flatnonzero(parts["path"].isna().to_numpy() | ~((number >= 1) & (number < 2**53)))
    if len(wrong):
        raise ParticleDataError(
            f"{source}: row {wrong[0] + 1}: rlnImageName {names.iloc[wrong[0]]!r} is not like 000001@stack.mrcs (first: 1)"
        )
    codes, paths = pd.factorize(parts["path"])
    numbered = parts["number"].notna().to_numpy()
    return number.astype(np.int64) - 1, numbered, codes.astype(np.int64), [str(path) for path in paths]


def _check_numbered(numbered: np.ndarray, file_of: np.ndarray, files: list[ImageFile], source: Path) -> None:
    """Refuse a name without a number unless its file holds one image; else it is a tilt series or a volume's section."""
    counts = np.array([file.count for file in files])
    wrong = np.flatnonzero(~numbered & (counts[file_of] > 1))
    if len(wrong):
        row, file = int(wrong[0]), files[file_of[wrong[0]]]
        raise ParticleDataError(
            f"{source}: row {row + 1} names {file.path}, which holds {file.count} images, without a number "
            f"({len(wrong)} rows in all do): tilt series and sub-tomograms are not read; name single images, as in "
            f"000001@{file.path.name}"
        )


def _check_ends(number: np.ndarray, file_of: np.ndarray, files: list[ImageFile], source: Path) -> None:
    counts = np.array([file.count for file in files])
    past = np.flatnonzero(number >= counts[file_of])
    if len(past):
        row, file = int(past[0]), files[file_of[past[0]]]
        raise ParticleDataError(
            f"{source}: row {row + 1} asks for image {number[row] + 1} of {file.path}, which holds {file.count} "
            f"({len(past)} rows in all point past an end); the table belongs to another stack, or the stack is incomplete"
        )


def _is_same(name: str, source: Path, root: Path | None, path: Path, only_one: bool) -> bool:
    found, _ = find_file(name, source, root)
    if found is not None:
        return found.samefile(path)
    return only_one and Path(name).name == path.name
