"""The bytes of one particle's levels: packed parts first, then the words of the entropy-coded parts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from cryosense.measurement.coding import PRECISION, CodingError, EntropyCoder, pack, packed_bytes, unpack


class PartsCoder:
    """A coder of levels in parts, each either packed or coded by a model.

    Args:
        levels: number of levels in each part.
        models: model of each part, None where it is packed.
        machines: states after each (states, 2) of a part whose levels are of two quantisers in turns, None for the others.
    """

    def __init__(
        self,
        levels: Sequence[int],
        models: Sequence[np.ndarray | None],
        machines: Sequence[np.ndarray | None] | None = None,
    ) -> None:
        self.levels, self.models = tuple(levels), tuple(models)
        self.widths = [max(1, (count - 1).bit_length()) for count in levels]
        each = zip(models, machines or [None] * len(models), strict=True)
        some = [(model, machine) for model, machine in each if model is not None]
        self._coder = EntropyCoder([model for model, _ in some], [machine for _, machine in some]) if some else None
        self._cost = [None if model is None else PRECISION - np.log2(model) for model in models]

    def bits(self, parts: Sequence[np.ndarray]) -> np.ndarray:
        """Return the bits, (b,) float64, that levels (b, m) of each part take, without what pads the last word."""
        bits = np.zeros(len(parts[0]))
        for part, width, cost in zip(parts, self.widths, self._cost, strict=True):
            bits += 8 * packed_bytes(part.shape[1], width) if cost is None else cost[part].sum(1)
        return bits

    def encode(self, parts: Sequence[np.ndarray]) -> list[bytes]:
        """Return the bytes of each of the b particles, from levels (b, m) of each part."""
        each = list(zip(parts, self.widths, self.models, strict=True))
        packed = [pack(part, width) for part, width, model in each if model is None]
        fronts = np.concatenate(packed, axis=1) if packed else np.zeros((len(parts[0]), 0), np.uint8)
        if self._coder is None:
            return [row.tobytes() for row in fronts]
        coded = [np.ascontiguousarray(part, np.int32) for part, _, model in each if model is not None]
        return [row.tobytes() + self._coder.encode([part[i] for part in coded]) for i, row in enumerate(fronts)]

    def decode(self, contents: Sequence[bytes], lengths: Sequence[int]) -> list[np.ndarray]:
        """Invert ``encode``, given the lengths of the parts. Raises CodingError for other bytes."""
        each = list(zip(lengths, self.widths, self.levels, self.models, strict=True))
        front = sum(packed_bytes(n, width) for n, width, _, model in each if model is None)
        if any(len(c) < front or (self._coder is None and len(c) != front) for c in contents):
            raise CodingError("a particle has another number of bytes than its levels take")
        packed = np.frombuffer(b"".join(c[:front] for c in contents), np.uint8).reshape(len(contents), front)
        words = self._words([c[front:] for c in contents], [n for n, _, _, model in each if model is not None])
        parts, start = [], 0
        for length, width, levels, model in each:
            if model is not None:
                parts.append(next(words))
                continue
            stop = start + packed_bytes(length, width)
            part, start = unpack(packed[:, start:stop], width, length), stop
            if int(part.max(initial=0)) >= levels:
                raise CodingError("a level beyond the last")
            parts.append(part)
        return parts

    def _words(self, contents: Sequence[bytes], lengths: Sequence[int]) -> Iterator[np.ndarray]:
        if self._coder is None:
            return iter(())
        each = [self._coder.decode(content, lengths) for content in contents]
        return iter([np.stack(segments) for segments in zip(*each, strict=True)])
