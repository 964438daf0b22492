"""Quantisers whose measurements can be stored: from y to bytes, and from bytes to the y that reconstructors are given."""

from __future__ import annotations

import inspect
import math
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cryosense.measurement.quantiser import Quantised, Quantiser
from cryosense.measurement.quantisers.layout import Layout, Layouts, QuantiserError
from cryosense.operators.base import LinearOperator


@dataclass(frozen=True)
class Tables:
    """What a quantiser learns from a first portion of the particles, once for all of them.

    Attributes:
        std: (groups,) float32, root mean square of the coefficients of each shell, over the operator's weight; one number
            where pixels are measured.
        models: for each part, (L,) whole numbers for the entropy coder; None where levels are packed.
        values: for each part with levels, (L,) float32 that they decode to, in standard deviations.
    """

    std: np.ndarray
    models: tuple[np.ndarray | None, ...]
    values: tuple[np.ndarray, ...]


class StoredQuantiser(Quantiser):
    """A quantiser with a coder behind it: decoding its bytes gives exactly what it returns without them.

    Args:
        last_shells: last shell of each of its parts; None for all the rest. Shells beyond the last part get no bits and are
            not measured.
        coded: for each part, whether it is entropy coded.
    """

    name: str
    parameters: Mapping[str, Any]  # of its constructor, from which it can be rebuilt
    learns = True

    def __init__(self, last_shells: Sequence[int | None], coded: Sequence[bool]) -> None:
        ends = [math.inf if last is None else last for last in last_shells]
        if not ends or ends != sorted(set(ends)) or ends[0] < 0:
            raise QuantiserError(f"last_shell {list(last_shells)}: shells from 0 on, each beyond the one before, are needed")
        self.layouts, self.coded = Layouts(last_shells), tuple(coded)
        self._tables: Tables | None = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value}' for name, value in self.parameters.items())})"

    @property
    def words(self) -> str:
        """Name and parameters that are not the defaults, but for the seed."""
        of = inspect.signature(type(self)).parameters
        changed = {key: value for key, value in self.parameters.items() if value != of[key].default and key != "seed"}
        parts = ", ".join(each.words for each in changed.pop("parts", ()))
        return " ".join([self.name, *(f"{key}={value}" for key, value in changed.items()), *([f"({parts})"] if parts else [])])

    @property
    def values(self) -> tuple[np.ndarray, ...]:
        """For each part with levels, (L,) float32 that they decode to, in standard deviations."""
        return ()

    @property
    def last_shell(self) -> int | None:
        """The last shell that gets bits; None if all do."""
        return self.layouts.last_shells[-1]

    @property
    def tables(self) -> Tables:
        """What was learned. Raises QuantiserError before ``fit``."""
        if self._tables is None:
            raise QuantiserError(f"quantiser={self.name}: the standard deviations of shells are not known yet: call fit first")
        return self._tables

    def with_tables(self, tables: Tables) -> None:
        """Adopt what was learned before. Raises QuantiserError for tables of another quantiser."""
        if len(tables.models) != len(self.coded) or not (np.isfinite(tables.std).all() and (tables.std > 0).all()):
            raise QuantiserError(f"quantiser={self.name}: tables of another quantiser")
        self._tables = tables

    def operator(self, configured: LinearOperator) -> LinearOperator:
        return configured if self.last_shell is None else configured.within(self.last_shell)

    def fit(self, y: Tensor, operator: LinearOperator, numbers: Tensor) -> None:
        """Learn the standard deviation of each shell and the coder's models from a first portion of measurements (b, ...)."""
        std = _deviations(y, operator, self.layouts.of(operator))
        self._tables = Tables(std, (None,) * len(self.coded), self.values)
        models = self.models(y, operator, numbers) if any(self.coded) else (None,) * len(self.coded)
        self._tables = Tables(std, models, self.values)

    def scale(self, layout: Layout) -> np.ndarray:
        """Return the expected standard deviation of each stored number, (m,) float32."""
        std = self.tables.std
        if int(layout.groups.max(initial=0)) >= len(std):
            raise QuantiserError(f"quantiser={self.name}: it was fitted to a smaller box")
        return np.asarray(layout.weights * std[layout.groups], np.float32)

    def row_noise(self, operator: LinearOperator) -> Tensor:
        """Return the standard deviation of quantisation noise in row coordinates, (1 or b, ...)."""
        gain = operator.row_noise_gain
        std = [lay.put((self.scale(lay) * self.added(lay))[None])[0] for lay in self.layouts.of(operator)]
        return torch.from_numpy(np.stack(std)).reshape(gain.shape).to(gain) * gain

    def efficiency(self, operator: LinearOperator) -> Tensor | None:
        """Return the noise variance of each coefficient before over after quantisation, (1 or b, n, n), centred.

        It is 0 where nothing is measured. None if the operator measures no Fourier coefficients, all of which then lose the
        same.
        """
        if operator.shells is None:
            return None
        planes = [lay.put((1 / (1 + self.added(lay) ** 2) * np.ones(lay.count))[None])[0] for lay in self.layouts.of(operator)]
        n = operator.box_size
        return torch.from_numpy(np.stack(planes)).reshape(-1, n, n).to(operator.measurement_norms)

    def nominal_bits(self, operator: LinearOperator) -> np.ndarray:
        """Return the bits asked for one image's measurement, (1 or b,): those of normal numbers, or of whole levels."""
        each = self.bits_per_number
        return np.array([np.dot(layout.lengths, each) for layout in self.layouts.of(operator)])

    @property
    @abstractmethod
    def bits_per_number(self) -> list[float]:
        """Bits per number in each part."""

    @abstractmethod
    def encode(self, y: Tensor, operator: LinearOperator, numbers: Tensor) -> list[bytes]:
        """Return the bytes of each particle, for measurements (b, ...) and particle numbers (b,)."""

    @abstractmethod
    def decode(self, contents: Sequence[bytes], operator: LinearOperator, numbers: Tensor) -> Tensor:
        """Return measurements (b, ...) float32 from b particles' bytes.

        Raises CodingError for bytes that were not coded so.
        """

    @abstractmethod
    def __call__(self, y: Tensor, operator: LinearOperator, numbers: Tensor) -> Quantised:
        """Quantise as ``Quantiser`` does; bits are those of the coder, without its last word."""

    @abstractmethod
    def describe_parts(self) -> list[dict[str, Any]]:
        """Return for each part what a decoder needs besides the tables."""

    @abstractmethod
    def added(self, layout: Layout) -> np.ndarray:
        """Return the standard deviation of the added noise, (m,), for numbers of unit variance."""

    @abstractmethod
    def models(self, y: Tensor, operator: LinearOperator, numbers: Tensor) -> tuple[np.ndarray | None, ...]:
        """Return the entropy coder's model for each part."""


def runs(layouts: Sequence[Layout], count: int) -> list[tuple[slice, Layout]]:
    """Return which of ``count`` particles have which layout: all of them the only one, or each its own."""
    if len(layouts) == 1:
        return [(slice(0, count), layouts[0])]
    return [(slice(i, i + 1), layout) for i, layout in enumerate(layouts)]


def flat(y: Tensor) -> np.ndarray:
    """Return measurements as (b, k) float32."""
    return y.detach().cpu().float().flatten(1).numpy()


def _deviations(y: Tensor, operator: LinearOperator, layouts: Sequence[Layout]) -> np.ndarray:
    """Return the standard deviations, (groups,) float32; 1 for a shell where nothing was measured or all was zero."""
    shells = operator.shells
    groups = 1 if shells is None else int(shells.max()) + 1
    sums, counts = np.zeros(groups), np.zeros(groups)
    values = flat(y)
    for rows, layout in runs(layouts, len(values)):
        weighed = np.square(layout.taken(values[rows]) / layout.weights, dtype=np.float64).sum(0)
        sums += np.bincount(layout.groups, weighed, groups)
        counts += np.bincount(layout.groups, minlength=groups) * (rows.stop - rows.start)
    std = np.sqrt(sums / np.maximum(counts, 1))
    return np.where(std > 0, std, 1.0).astype(np.float32)
