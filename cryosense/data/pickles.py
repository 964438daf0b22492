"""Arrays out of pickles by an allow-list: nothing but NumPy's own reconstruction of arrays is ever called."""

from __future__ import annotations

import codecs
import pickle
from pathlib import Path
from typing import Any

import numpy as np

from .errors import ParticleDataError


def _encode_latin1(text: str, encoding: str) -> bytes:
    """What protocol 2 calls to write bytes; any other codec is refused."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"codec {encoding}")
    return codecs.encode(text, "latin1")


def _allow_list() -> dict[tuple[str, str], Any]:
    """What NumPy 1 and 2 write into a pickle of an array, by module and name."""
    reconstruct = np.empty(0).__reduce__()[0]
    scalar = np.float64(0).__reduce__()[0]
    from_buffer = np.empty(0).__reduce_ex__(5)[0]
    allowed: dict[tuple[str, str], Any] = {
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
        ("_codecs", "encode"): _encode_latin1,
    }
    for core in ("numpy.core", "numpy._core"):
        allowed[f"{core}.multiarray", "_reconstruct"] = reconstruct
        allowed[f"{core}.multiarray", "scalar"] = scalar
        allowed[f"{core}.numeric", "_frombuffer"] = from_buffer
    return allowed


class _ArrayUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        allowed = _allow_list().get((module, name))
        if allowed is None:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return allowed


def load_arrays(path: Path) -> tuple[np.ndarray, ...]:
    """The array, or the tuple or list of arrays, in a pickle file, as float64.

    Raises :class:`ParticleDataError` if the file asks for anything but arrays of numbers; it is refused before it is called.
    """
    try:
        with path.open("rb") as file:
            loaded = _ArrayUnpickler(file).load()
    except Exception as error:  # a broken or hostile pickle can make the interpreter raise anything
        raise ParticleDataError(f"{path}: not a pickle of plain arrays, refused: {error}") from error
    arrays = tuple(loaded) if isinstance(loaded, (tuple, list)) else (loaded,)
    for array in arrays:
        if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiu":
            raise ParticleDataError(f"{path}: holds {type(array).__name__} where arrays of numbers are expected")
        if array.nbytes > path.stat().st_size:
            raise ParticleDataError(f"{path}: claims an array of {array.nbytes} bytes, more than the file has")
    return tuple(array.astype(np.float64) for array in arrays)
