"""Scalar quantisers of whitened measurements: each number over the standard deviation of its shell, then a codebook."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cryosense.measurement.coding import frequencies
from cryosense.measurement.quantiser import Quantised
from cryosense.measurement.quantisers.codebook import Codebook
from cryosense.measurement.quantisers.layout import Layout, QuantiserError
from cryosense.measurement.quantisers.parts_coder import PartsCoder
from cryosense.measurement.quantisers.stored import StoredQuantiser, Tables, flat, runs
from cryosense.measurement.quantisers.trellis import TrellisBook
from cryosense.operators.base import LinearOperator
from cryosense.seeding import generator

DITHER_STREAM = 7  # apart from those of masks and noise


class LevelQuantiser(StoredQuantiser):
    """Codebooks, one for each part of the shells; ``StoredQuantiser`` explains the other arguments.

    Args:
        books: one for each part.
        seed: seed of the dither.
    """

    def __init__(self, books: Sequence[Codebook], last_shells: Sequence[int | None], coded: Sequence[bool], seed: int) -> None:
        super().__init__(last_shells, coded)
        self.books, self.seed = tuple(books), seed
        self._coder: PartsCoder | None = None

    def levels(self, y: Tensor, operator: LinearOperator, numbers: Tensor) -> list[list[np.ndarray]]:
        """Return the levels of each part, (b, m) from 0, for each layout of the batch."""
        values, made = flat(y), []
        for rows, layout in runs(self.layouts.of(operator), len(values)):
            whitened = layout.taken(values[rows]) * (1 / self.scale(layout))
            dither = self._dither(layout, numbers[rows])
            whitened = whitened if dither is None else whitened + dither
            pieces = np.split(whitened, np.cumsum(layout.lengths)[:-1], axis=1)
            made.append([book.quantise(piece) for book, piece in zip(self.books, pieces, strict=True)])
        return made

    @property
    def values(self) -> tuple[np.ndarray, ...]:
        return tuple(book.values.astype(np.float32) for book in self.books)

    def decoded(self, levels: Sequence[Sequence[np.ndarray]], operator: LinearOperator, numbers: Tensor) -> Tensor:
        """Return the measurements (b, ...) float32 to which levels decode."""
        decoded = []
        for (rows, layout), parts in zip(runs(self.layouts.of(operator), len(numbers)), levels, strict=True):
            pieces = [values.take(part) for values, part in zip(self.tables.values, parts, strict=True)]
            stored = pieces[0] if len(pieces) == 1 else np.concatenate(pieces, axis=1)
            dither = self._dither(layout, numbers[rows])
            if dither is not None:
                stored -= self._per_number(layout, [book.dither_share for book in self.books]) * dither
            stored *= self.scale(layout)
            decoded.append(layout.put(stored))
        whole = decoded[0] if len(decoded) == 1 else np.concatenate(decoded)
        return torch.from_numpy(whole).reshape(len(numbers), *operator.measurement_norms.shape[1:])

    def __call__(self, y: Tensor, operator: LinearOperator, numbers: Tensor) -> Quantised:
        levels = self.levels(y, operator, numbers)
        bits = np.concatenate([self.coder.bits(parts) for parts in levels])
        decoded = self.decoded(levels, operator, numbers).to(y)
        return Quantised(decoded, self.row_noise(operator).to(y), torch.from_numpy(bits))

    def encode(self, y: Tensor, operator: LinearOperator, numbers: Tensor) -> list[bytes]:
        return [content for parts in self.levels(y, operator, numbers) for content in self.coder.encode(parts)]

    def decode(self, contents: Sequence[bytes], operator: LinearOperator, numbers: Tensor) -> Tensor:
        layouts = runs(self.layouts.of(operator), len(contents))
        levels = [self.coder.decode(contents[rows], layout.lengths) for rows, layout in layouts]
        return self.decoded(levels, operator, numbers)

    @property
    def coder(self) -> PartsCoder:
        """The coder that turns levels into bytes. Raises QuantiserError before ``fit``."""
        if self._coder is None:
            machines = [book.machine.after if isinstance(book, TrellisBook) else None for book in self.books]
            self._coder = PartsCoder([book.levels for book in self.books], self.tables.models, machines)
        return self._coder

    def with_tables(self, tables: Tables) -> None:
        super().with_tables(tables)
        self._coder = None
        for book, coded, model, values in zip(self.books, self.coded, tables.models, tables.values, strict=True):
            wrong = coded != (model is not None) or (model is not None and len(model) != book.levels)
            largest = float(np.abs(values).max(initial=0)) * float(tables.std.max())
            if wrong or len(values) != book.levels or not largest < float(np.finfo(np.float32).max):
                raise QuantiserError(f"quantiser={self.name}: tables of another quantiser")

    def describe_parts(self) -> list[dict[str, Any]]:
        return [
            {
                "last_shell": last,
                "levels": book.levels,
                "coding": "entropy" if coded else "packed",
                "added_std": book.added_std,
                "dither_width": book.dither_width,
                "dither_share": book.dither_share,
                **({"states": len(book.machine.after)} if isinstance(book, TrellisBook) else {}),
            }
            for book, last, coded in zip(self.books, self.layouts.last_shells, self.coded, strict=True)
        ]

    @property
    def bits_per_number(self) -> list[float]:
        widths = [max(1, (book.levels - 1).bit_length()) for book in self.books]
        each = zip(self.books, self.coded, widths, strict=True)
        return [book.entropy_bits if coded else width for book, coded, width in each]

    def added(self, layout: Layout) -> np.ndarray:
        return self._per_number(layout, [book.added_std for book in self.books])

    def models(self, y: Tensor, operator: LinearOperator, numbers: Tensor) -> tuple[np.ndarray | None, ...]:
        """Return counts of the levels, plus a total of one from a normal number, so that every level can be coded."""
        counts = [book.probabilities.copy() for book in self.books]
        for parts in self.levels(y, operator, numbers):
            for count, part in zip(counts, parts, strict=True):
                count += np.bincount(part.reshape(-1), minlength=len(count))
        each = zip(self.books, counts, self.coded, strict=True)
        return tuple(_model(book, count) if coded else None for book, count, coded in each)

    def _dither(self, layout: Layout, numbers: Tensor) -> np.ndarray | None:
        """Return the dither, (b, m) float32, uniform over the width of each part and keyed by particle number."""
        if not any(book.dither_width for book in self.books):
            return None
        draws = [generator(self.seed, int(n), DITHER_STREAM).random(layout.count, dtype=np.float32) for n in numbers]
        return (np.stack(draws) - np.float32(0.5)) * self._per_number(layout, [book.dither_width for book in self.books])

    @staticmethod
    def _per_number(layout: Layout, of_parts: Sequence[float]) -> np.ndarray:
        """Return one value per number, (m,) float32, from one per part; (1,) if there is only one part."""
        values = np.array(of_parts, np.float32)
        return values if len(values) == 1 else np.repeat(values, layout.lengths)


def _model(book: Codebook, counts: np.ndarray) -> np.ndarray:
    """Return the entropy coder's model of counts (L,); of a trellis those of its two quantisers, one after the other."""
    return np.concatenate([frequencies(each) for each in np.split(counts, 2 if isinstance(book, TrellisBook) else 1)])
