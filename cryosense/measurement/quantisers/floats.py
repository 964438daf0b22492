"""Numbers as they are, or halved: float32 and float16, their first bytes entropy coded.

The first byte of a float holds its sign, its exponent or most of it, and of a half the first two bits of its mantissa. These
are what a lossless coder can save; the other bits of noisy numbers are as good as random.
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
from cryosense.measurement.quantisers.layout import Layout
from cryosense.measurement.quantisers.stored import StoredQuantiser, flat, runs
from cryosense.operators.base import LinearOperator

# Of a half's rounding, over a normal number's deviation: spacing 2^-10 of the power of two below |y|, a twelfth of its square,
# E[4^floor(log2 |y|)] = 3 / (8 log 2) E[y^2] on average over the scale of y.
HALF_ROUNDING = 2.0**-10 * (3 / (8 * math.log(2)) / 12) ** 0.5


class FloatQuantiser(StoredQuantiser):
    """Floats of so many bytes.

    Args:
        dtype: ``<f4`` or ``<f2``.
        coded: first bytes by the entropy coder; false: plain numbers.
        rounding: deviation of what is lost, over the number's.
        last_shell: beyond, nothing is measured.
    """

    def __init__(self, dtype: str, coded: bool, rounding: float, last_shell: int | None) -> None:
        super().__init__([last_shell], [coded])
        self.dtype, self.rounding = np.dtype(dtype), rounding
        self._coder: EntropyCoder | None = None

    def __call__(self, y: Tensor, operator: LinearOperator, numbers: Tensor) -> Quantised:
        layouts, values = self.layouts.of(operator), flat(y)
        decoded = [lay.put(self._kept(lay.taken(values[r])).astype(np.float32)) for r, lay in runs(layouts, len(values))]
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
            decoded.append(layout.put(np.stack(stored).astype(np.float32)))
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
        counts, values = np.ones(256) / 256, flat(y)
        for rows, layout in runs(self.layouts.of(operator), len(values)):
            counts += np.bincount(self._planes(self._kept(layout.taken(values[rows])))[..., -1].reshape(-1), minlength=256)
        return (frequencies(counts),)

    def _kept(self, values: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore"):
            return np.ascontiguousarray(values.astype(self.dtype, copy=False))

    def _planes(self, kept: np.ndarray) -> np.ndarray:
        """(..., m) -> (..., m, itemsize) uint8, the lowest byte first."""
        return kept.view(np.uint8).reshape(*kept.shape, self.dtype.itemsize)

    def _bits(self, values: np.ndarray) -> np.ndarray:
        model = self.tables.models[0]
        assert model is not None
        first = self._planes(self._kept(values))[..., -1]
        return 8.0 * (self.dtype.itemsize - 1) * values.shape[1] + (PRECISION - np.log2(model))[first].sum(1)

    def _bytes(self, row: np.ndarray) -> bytes:
        planes = self._planes(row)
        return planes[:, :-1].tobytes() + self._entropy_coder().encode([planes[:, -1].astype(np.int32)])

    def _numbers(self, content: bytes, count: int) -> np.ndarray:
        size = self.dtype.itemsize
        if not self.coded[0]:
            if len(content) != count * size:
                raise CodingError(f"{len(content)} bytes for {count} numbers")
            return np.frombuffer(content, self.dtype)
        if len(content) < count * (size - 1):
            raise CodingError(f"{len(content)} bytes for {count} numbers")
        planes = np.empty((count, size), np.uint8)
        rest = content[: count * (size - 1)]
        planes[:, :-1] = np.frombuffer(rest, np.uint8).reshape(count, size - 1)
        planes[:, -1] = self._entropy_coder().decode(content[len(rest) :], [count])[0]
        return planes.view(self.dtype)[:, 0]

    def _entropy_coder(self) -> EntropyCoder:
        if self._coder is None:
            self._coder = EntropyCoder([model for model in self.tables.models if model is not None])
        return self._coder


class Float32(FloatQuantiser):
    """Numbers as they are.

    Args:
        coded: without loss, by the entropy coder: about 26.7 bits instead of 32.
        last_shell: beyond, nothing is measured; None: all shells are.
    """

    name = "float32"

    def __init__(self, coded: bool = False, last_shell: int | None = None) -> None:
        self.parameters = {"coded": coded, "last_shell": last_shell}
        super().__init__("<f4", coded, 0.0, last_shell)


class Float16(FloatQuantiser):
    """Numbers of half precision.

    Args:
        coded: without loss, by the entropy coder: about 13.5 bits instead of 16.
        last_shell: beyond, nothing is measured; None: all shells are.
    """

    name = "float16"

    def __init__(self, coded: bool = False, last_shell: int | None = None) -> None:
        self.parameters = {"coded": coded, "last_shell": last_shell}
        super().__init__("<f2", coded, HALF_ROUNDING, last_shell)
