"""Numbers as they are, or halved: float32 and float16, their highest bytes entropy coded.

The first byte of a float holds its sign, its exponent or most of it, and of a half the first two bits of its mantissa. These
are what a lossless coder can save; the other bits of noisy numbers are as good as random. Those of counts are not: how many of
the highest bytes are coded is what makes the first portion of the particles and its models smallest. So nothing jumps: where
two choices are as good as each other, and rounding on another machine decides, files are as long.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cryosense.measurement.coding import PRECISION, CodingError, EntropyCoder, frequencies
from cryosense.measurement.quantiser import Quantised
from cryosense.measurement.quantisers.codebook import entropy_bits
from cryosense.measurement.quantisers.layout import Layout, QuantiserError
from cryosense.measurement.quantisers.stored import StoredQuantiser, Tables, flat, runs
from cryosense.operators.base import LinearOperator

BYTE_VALUES = 256
MODEL_BITS = 32 * BYTE_VALUES  # that the file holds for each byte that is coded
# Of a half's rounding, over a normal number's deviation: spacing 2^-10 of the power of two below |y|, a twelfth of its square,
# E[4^floor(log2 |y|)] = 3 / (8 log 2) E[y^2] on average over the scale of y.
HALF_ROUNDING = 2.0**-10 * (3 / (8 * math.log(2)) / 12) ** 0.5


class FloatQuantiser(StoredQuantiser):
    """Floats of so many bytes.

    Args:
        dtype: ``<f4`` or ``<f2``.
        coded: highest bytes by the entropy coder; false: plain numbers.
        rounding: deviation of what is lost, over the number's.
        last_shell: beyond, nothing is measured.
    """

    def __init__(self, dtype: str, coded: bool, rounding: float, last_shell: int | None) -> None:
        super().__init__([last_shell], [coded])
        self.dtype, self.rounding = np.dtype(dtype), rounding
        self._coder: EntropyCoder | None = None

    def __call__(self, y: Tensor, operator: LinearOperator, numbers: Tensor) -> Quantised:
        layouts, values = self.layouts.of(operator), flat(y)
        decoded = [lay.put(_single(self._kept(lay.taken(values[r])))) for r, lay in runs(layouts, len(values))]
        bits = [np.full(r.stop - r.start, 8.0 * self.dtype.itemsize * lay.count) for r, lay in runs(layouts, len(values))]
        if self.coded[0]:
            bits = [self._bits(lay.taken(values[r])) for r, lay in runs(layouts, len(values))]
        whole = torch.from_numpy(np.concatenate(decoded)).reshape(y.shape).to(y)
        return Quantised(whole, self.row_noise(operator).to(y), torch.from_numpy(np.concatenate(bits)))

    def encode(self, y: Tensor, operator: LinearOperator, numbers: Tensor) -> list[bytes]:
        values, contents = flat(y), []
        for rows, layout in runs(self.layouts.of(operator), len(values)):
            kept = self._kept(layout.taken(values[rows]))
            contents += [self._bytes(row) for row in kept] if self.coded[0] else [row.tobytes() for row in kept]
        return contents

    def decode(self, contents: Sequence[bytes], operator: LinearOperator, numbers: Tensor) -> Tensor:
        decoded = []
        for rows, layout in runs(self.layouts.of(operator), len(contents)):
            stored = [self._numbers(content, layout.count) for content in contents[rows]]
            decoded.append(layout.put(_single(np.stack(stored))))
        return torch.from_numpy(np.concatenate(decoded)).reshape(len(contents), *operator.measurement_norms.shape[1:])

    def describe_parts(self) -> list[dict[str, Any]]:
        coding = "entropy" if self.coded[0] else "packed"
        return [{"last_shell": self.last_shell, "float_bytes": self.dtype.itemsize, "coding": coding}]

    @property
    def bits_per_number(self) -> list[float]:
        return [8.0 * self.dtype.itemsize]

    def added(self, layout: Layout) -> np.ndarray:
        return np.full(layout.count, self.rounding, np.float32)

    def models(self, y: Tensor, operator: LinearOperator, numbers: Tensor) -> tuple[np.ndarray | None, ...]:
        """Return the models of the highest bytes, as many as are coded, one after the other, the lowest byte first."""
        counts, values = np.full((self.dtype.itemsize, BYTE_VALUES), 1 / BYTE_VALUES), flat(y)
        for rows, layout in runs(self.layouts.of(operator), len(values)):
            planes = self._planes(self._kept(layout.taken(values[rows])))
            for plane, count in enumerate(counts):
                count += np.bincount(planes[..., plane].reshape(-1), minlength=BYTE_VALUES)
        gains = [(8 - entropy_bits(count / count.sum())) * count.sum() - MODEL_BITS for count in counts]
        first = int(np.cumsum(gains[::-1])[::-1].argmax())
        return (np.concatenate([frequencies(count) for count in counts[first:]]),)

    def with_tables(self, tables: Tables) -> None:
        super().with_tables(tables)
        self._coder = None
        model = tables.models[0]
        counts = range(BYTE_VALUES, BYTE_VALUES * self.dtype.itemsize + 1, BYTE_VALUES)
        if (model is not None) != self.coded[0] or (model is not None and len(model) not in counts):
            raise QuantiserError(f"quantiser={self.name}: tables of another quantiser")

    @property
    def _models(self) -> list[np.ndarray]:
        """The model of each coded byte, the lowest first."""
        model = self.tables.models[0]
        return [] if model is None else np.split(model, len(model) // BYTE_VALUES)

    def _kept(self, values: np.ndarray) -> np.ndarray:
        whole = np.ascontiguousarray(values, np.float32)
        # PyTorch rounds to halves as NumPy does, twenty times as fast.
        return whole if self.dtype.itemsize == 4 else torch.from_numpy(whole).half().numpy().astype(self.dtype, copy=False)

    def _planes(self, kept: np.ndarray) -> np.ndarray:
        """Return the bytes of numbers (..., m), (..., m, itemsize) uint8, the lowest first."""
        return kept.view(np.uint8).reshape(*kept.shape, self.dtype.itemsize)

    def _bits(self, values: np.ndarray) -> np.ndarray:
        planes, models = self._planes(self._kept(values)), self._models
        bits = np.full(len(values), 8.0 * (self.dtype.itemsize - len(models)) * values.shape[1])
        for plane, model in zip(range(-len(models), 0), models, strict=True):
            bits += (PRECISION - np.log2(model))[planes[..., plane]].sum(1)
        return bits

    def _bytes(self, row: np.ndarray) -> bytes:
        planes, coder = self._planes(row), self._entropy_coder()
        plain = self.dtype.itemsize - len(self._models)
        coded = [planes[:, plane].astype(np.int32) for plane in range(plain, self.dtype.itemsize)]
        return planes[:, :plain].tobytes() + coder.encode(coded)

    def _numbers(self, content: bytes, count: int) -> np.ndarray:
        size, plain = self.dtype.itemsize, self.dtype.itemsize - len(self._models)
        if len(content) < count * plain or (not self.coded[0] and len(content) != count * size):
            raise CodingError(f"{len(content)} bytes for {count} numbers")
        if not self.coded[0]:
            return np.frombuffer(content, self.dtype)
        planes = np.empty((count, size), np.uint8)
        rest = content[: count * plain]
        planes[:, :plain] = np.frombuffer(rest, np.uint8).reshape(count, plain)
        coded = self._entropy_coder().decode(content[len(rest) :], [count] * (size - plain))
        for plane, values in zip(range(plain, size), coded, strict=True):
            planes[:, plane] = values
        return planes.view(self.dtype)[:, 0]

    def _entropy_coder(self) -> EntropyCoder:
        if self._coder is None:
            self._coder = EntropyCoder(self._models)
        return self._coder


def _single(values: np.ndarray) -> np.ndarray:
    return torch.from_numpy(values).float().numpy()


class Float32(FloatQuantiser):
    """Numbers as they are.

    Args:
        coded: without loss, by the entropy coder: about 26.7 bits instead of 32, of counts their entropy or little more.
        last_shell: beyond, nothing is measured; None: all shells are.
    """

    name = "float32"

    def __init__(self, coded: bool = False, last_shell: int | None = None) -> None:
        self.parameters = {"coded": coded, "last_shell": last_shell}
        super().__init__("<f4", coded, 0.0, last_shell)


class Float16(FloatQuantiser):
    """Numbers of half precision.

    Args:
        coded: without loss, by the entropy coder: about 13.5 bits instead of 16, of counts their entropy or little more.
        last_shell: beyond, nothing is measured; None: all shells are.
    """

    name = "float16"

    def __init__(self, coded: bool = False, last_shell: int | None = None) -> None:
        self.parameters = {"coded": coded, "last_shell": last_shell}
        super().__init__("<f2", coded, HALF_ROUNDING, last_shell)
