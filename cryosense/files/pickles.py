"""Arrays from pickles by an allow-list: what a pickle of arrays calls is replaced by stand-ins that take only numbers.

NumPy's own reconstruction is not called either: it trusts the state that a pickle hands it, down to memory flags.
"""

from __future__ import annotations

import pickle
import pickletools
import re
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from cryosense.errors import ParticleDataError
from cryosense.files.limits import open_regular


class _Dtype:
    """Stand-in for ``numpy.dtype``: kind, size and byte order of real numbers, nothing else."""

    def __init__(self, code: str, align: bool = False, copy: bool = True) -> None:
        if not re.fullmatch(r"[fiu][1248]", str(code)):
            raise pickle.UnpicklingError(f"it holds an array of {code!r}, not of numbers")
        self.dtype = np.dtype(code)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.dtype = self.dtype.newbyteorder(state[1])


class _Array:
    """Stand-in for ``numpy.ndarray``: takes shape, type, order and bytes, which must fit each other."""

    values: np.ndarray

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, dtype, fortran_order, content = state
        self.values = _from_buffer(content, dtype, shape, "F" if fortran_order else "C").values


def _reconstruct(kind: object, shape: object, code: object) -> _Array:
    """Stand in for the function that makes the empty array."""
    return _Array()


def _from_buffer(content: bytes, dtype: _Dtype, shape: tuple[int, ...], order: Any) -> _Array:
    """Stand in for the function that makes arrays from buffers (protocol 5)."""
    array = _Array()
    array.values = np.frombuffer(content, dtype.dtype).reshape(shape, order=order)
    return array


_STAND_INS: dict[tuple[str, str], Any] = {
    ("numpy", "dtype"): _Dtype,
    ("numpy", "ndarray"): _Array,
    # NumPy 1, NumPy 2
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy.core.numeric", "_frombuffer"): _from_buffer,
    ("numpy._core.numeric", "_frombuffer"): _from_buffer,
}

MOST_STEPS = 10_000
LARGEST_BYTES = 2**31
_KEEPING = ("PUT", "BINPUT", "LONG_BINPUT")


class _ArrayUnpickler(pickle.Unpickler):
    def __init__(self, file: BinaryIO, size: int) -> None:
        super().__init__(file)
        self._bytes_left = size  # that may be made from text, which could otherwise be repeated without end

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("_codecs", "encode"):
            return self._encode
        if (module, name) not in _STAND_INS:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return _STAND_INS[module, name]

    def _encode(self, text: str, encoding: str) -> bytes:
        """Stand in for ``codecs.encode``, with which protocol 2 writes bytes."""
        self._bytes_left -= len(text)
        if encoding != "latin1" or self._bytes_left < 0:
            raise pickle.UnpicklingError(f"it asks for the codec {encoding}, or for more bytes than it has")
        return text.encode("latin1")


def _refuse_bombs(file: BinaryIO) -> None:
    """Refuse pickles with too many steps, or with memo indices so high that an unpickler would fill the memory."""
    for count, (opcode, number, _) in enumerate(pickletools.genops(file)):
        if count > MOST_STEPS:
            raise pickle.UnpicklingError(f"it takes more than {MOST_STEPS} steps")
        if opcode.name in _KEEPING and int(number or 0) > MOST_STEPS:
            raise pickle.UnpicklingError(f"it keeps an object under the number {number}")


def load_arrays(path: Path) -> tuple[np.ndarray, ...]:
    """Return the array, or the tuple or list of arrays, in a pickle file, as float64.

    Raises:
        ParticleDataError: a file that asks for anything but arrays of numbers, which is refused before anything is called.
    """
    try:
        with open_regular(path) as file:
            size = file.seek(0, 2)
            if size > LARGEST_BYTES:
                raise pickle.UnpicklingError(f"it is larger than {LARGEST_BYTES} bytes")
            file.seek(0)
            _refuse_bombs(file)
            file.seek(0)
            loaded = _ArrayUnpickler(file, size).load()
        arrays = tuple(loaded) if isinstance(loaded, (tuple, list)) else (loaded,)
        # Each array has its own bytes in the file, at least one per number; arrays that share bytes would be copied.
        if sum(array.values.size for array in arrays) > size:
            raise pickle.UnpicklingError("its arrays hold more numbers than it has bytes")
        return tuple(array.values.astype(np.float64) for array in arrays)
    except Exception as error:  # a broken or hostile pickle can make the interpreter raise anything
        raise ParticleDataError(f"{path}: not a pickle of plain arrays of numbers, refused: {error}") from error
