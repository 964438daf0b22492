"""Which numbers of a measurement are stored, in which order, and how large they are expected to be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np

from cryosense.errors import QuantiserError
from cryosense.operators.base import LinearOperator


@dataclass(frozen=True)
class Layout:
    """What is stored for one mask set: m numbers, those of the first part first, each part in raster order.

    Attributes:
        places: (m,) int64 flat positions in a measurement, None for all of them in order.
        lengths: lengths of the parts.
        groups: (m,) int64, shell of each where Fourier coefficients are measured, 0 elsewhere.
        weights: (m,) float32, what the operator multiplies coefficients by; 1 for pixel measurements.
        size: numbers in a measurement, stored or not.
    """

    places: np.ndarray | None
    lengths: tuple[int, ...]
    groups: np.ndarray
    weights: np.ndarray
    size: int

    @property
    def count(self) -> int:
        """Number of stored numbers, m."""
        return len(self.groups)

    def taken(self, flat: np.ndarray) -> np.ndarray:
        """Return the stored numbers (b, m) of flat measurements (b, size)."""
        return flat if self.places is None else flat[:, self.places]

    def put(self, values: np.ndarray) -> np.ndarray:
        """Return flat measurements (b, size) from stored numbers (b, m), zero where nothing is stored."""
        if self.places is None:
            return values
        flat = np.zeros((len(values), self.size), values.dtype)
        flat[:, self.places] = values
        return flat


class Layouts:
    """The layouts of operators; those of the most recent operators are kept.

    Args:
        last_shells: last shell of each part; None for all the rest.
    """

    def __init__(self, last_shells: Sequence[int | None]) -> None:
        self.last_shells = tuple(last_shells)
        self._known: WeakKeyDictionary[LinearOperator, list[Layout]] = WeakKeyDictionary()

    def of(self, operator: LinearOperator) -> list[Layout]:
        """Return one layout for each mask set of the operator."""
        if operator not in self._known:
            self._known[operator] = self._made(operator)
        return self._known[operator]

    def _made(self, operator: LinearOperator) -> list[Layout]:
        norms = operator.measurement_norms.flatten(1).cpu().numpy()
        shells = operator.shells
        if shells is None:
            groups, weights = np.zeros(norms.shape[1], np.int64), np.ones_like(norms)
        else:
            groups, weights = shells.flatten().cpu().numpy(), norms
        part = self._parts(groups)
        return [self._one(norm > 0, groups, weight, part) for norm, weight in zip(norms, weights, strict=True)]

    def _parts(self, groups: np.ndarray) -> np.ndarray:
        """Return the part of each number; for those in none, the number of parts."""
        ends = [np.iinfo(np.int64).max if last is None else last for last in self.last_shells]
        return np.searchsorted(np.array(ends), groups)

    def _one(self, measured: np.ndarray, groups: np.ndarray, weights: np.ndarray, part: np.ndarray) -> Layout:
        stored = np.flatnonzero(measured & (part < len(self.last_shells)))
        if len(stored) < int(measured.sum()):
            raise QuantiserError("shells that get no bits are measured: narrow the operator first (Quantiser.operator)")
        places = stored[np.argsort(part[stored], kind="stable")]
        lengths = tuple(int(n) for n in np.bincount(part[places], minlength=len(self.last_shells)))
        whole = len(places) == len(groups) and len(self.last_shells) == 1
        return Layout(None if whole else places, lengths, groups[places], weights[places].astype(np.float32), len(groups))
