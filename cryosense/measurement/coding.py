"""From levels to bytes and back: packed bits, or an entropy coder with static models made of whole numbers.

The coder is ``constriction``'s ANS coder (Bamler 2022; asymmetric numeral systems, Duda 2013): words of 32 bits, a state of
64, probabilities in 2^-24. Its models are given as whole numbers that add up to 2^24, which it takes as they are, so that
the same levels become the same bytes on every machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import constriction
import numpy as np

from cryosense.errors import CodingError

PRECISION = 24
WORD_BYTES = 4


def frequencies(counts: np.ndarray) -> np.ndarray:
    """Turn non-negative counts (L,), some perhaps zero, into frequencies (L,) int64 that add up to 2^24, none below 1.

    Raises:
        CodingError: fewer than 2 or more than 65,536 levels.
    """
    if len(counts) < 2 or len(counts) > 2**16:
        raise CodingError(f"{len(counts)} levels: an entropy coder takes 2 to 65536")
    total = 2**PRECISION
    shares = np.maximum(counts.astype(np.float64), 0)
    scaled = np.floor(shares / max(shares.sum(), 1.0) * (total - len(counts))).astype(np.int64) + 1
    scaled[int(scaled.argmax())] += total - int(scaled.sum())
    return scaled


def check_frequencies(table: np.ndarray) -> None:
    """Raise CodingError unless ``frequencies`` could have made this table."""
    if table.ndim != 1 or not 2 <= len(table) <= 2**16 or table.min() < 1 or int(table.sum()) != 2**PRECISION:
        raise CodingError(f"a model of the entropy coder needs 2 to 65536 numbers above 0 that add up to 2^{PRECISION}")


def _categorical(table: np.ndarray) -> Any:
    check_frequencies(table)
    return constriction.stream.model.Categorical(table / 2.0**PRECISION, perfect=True)


class Turns:
    """A model of levels of two quantisers that take turns, each with its own frequencies, in the words of ``EntropyCoder``.

    Args:
        table: (2K,) whole numbers, those of each quantiser adding up to 2^24.
        after: (states, 2) int64, the state after an even and an odd level; in even states a level is of the first quantiser.
    """

    def __init__(self, table: np.ndarray, after: np.ndarray) -> None:
        halves = np.split(table, 2)
        for half in halves:
            check_frequencies(half)
        self._shares, self._after = table.astype(np.uint64), np.ascontiguousarray(after, np.int64)
        self._starts = np.concatenate([np.cumsum(half) - half for half in halves]).astype(np.uint64)

    def put(self, words: np.ndarray, levels: np.ndarray) -> np.ndarray:
        """Return the words (w,) uint32 with levels (m,) int32, from 0 to 2K - 1, coded onto them."""
        from cryosense.measurement.turns import put_words  # here, since compilers are large

        state, top = _unfolded(words)
        room = np.concatenate([words[: top[0]], np.zeros(len(levels), np.uint32)])
        put_words(levels, self._shares, self._starts, room, state, top)
        return _folded(room, state, top)

    def take(self, words: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Return so many levels (m,) int32 from the words, and the words without them."""
        from cryosense.measurement.turns import take_words  # here, since compilers are large

        state, top = _unfolded(words)
        levels = np.zeros(count, np.int32)
        take_words(words, state, top, self._shares, self._starts, self._after, levels)
        return levels, _folded(words, state, top)


def _unfolded(words: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the coder's state, (1,) uint64, that words end with, and how many there are below it, (1,) int64."""
    ends = [int(word) for word in words[-2:]]
    return np.array([sum(word << (32 * i) for i, word in enumerate(ends))], np.uint64), np.array([len(words) - len(ends)])


def _folded(words: np.ndarray, state: np.ndarray, top: np.ndarray) -> np.ndarray:
    """Invert ``_unfolded``."""
    ends = [int(state[0]) & 0xFFFFFFFF, int(state[0]) >> 32]
    while ends and not ends[-1]:
        ends.pop()
    return np.concatenate([words[: top[0]], np.array(ends, np.uint32)])


class EntropyCoder:
    """A coder that writes segments of levels one after the other, each by its own model, into the words of one particle.

    Args:
        tables: for each segment (L,) whole numbers that add up to 2^24.
        machines: for each segment None, or, where levels are of two quantisers in turns, (states, 2) which state follows: see
            ``Turns``.
    """

    def __init__(self, tables: Sequence[np.ndarray], machines: Sequence[np.ndarray | None] | None = None) -> None:
        each = zip(tables, machines or [None] * len(tables), strict=True)
        self._models: list[Any] = [_categorical(table) if after is None else Turns(table, after) for table, after in each]

    def encode(self, segments: Sequence[np.ndarray]) -> bytes:
        """Code the levels of each segment, (m,) int32 from 0, into whole words, little-endian."""
        coder = constriction.stream.stack.AnsCoder()
        for levels, coded_by in reversed(list(zip(segments, self._models, strict=True))):
            if isinstance(coded_by, Turns):
                coder = constriction.stream.stack.AnsCoder(coded_by.put(coder.get_compressed(), levels))
            elif len(levels):
                coder.encode_reverse(levels, coded_by)
        return coder.get_compressed().astype("<u4", copy=False).tobytes()

    def decode(self, content: bytes, lengths: Sequence[int]) -> list[np.ndarray]:
        """Return the levels, (m,) int32 for each segment, from the words of ``encode`` and the number of levels in each.

        Raises:
            CodingError: bytes that are not whole words, or do not end where the levels do.
        """
        if len(content) % WORD_BYTES:
            raise CodingError(f"{len(content)} bytes are not whole words")
        try:
            coder = constriction.stream.stack.AnsCoder(np.frombuffer(content, "<u4").astype(np.uint32))
        except ValueError as error:
            raise CodingError(f"not the words of an ANS coder: {error}") from error
        segments = []
        for coded_by, n in zip(self._models, lengths, strict=True):
            if isinstance(coded_by, Turns):
                levels, rest = coded_by.take(coder.get_compressed(), n)
                coder = constriction.stream.stack.AnsCoder(rest)
            else:
                levels = coder.decode(coded_by, n) if n else np.zeros(0, np.int32)
            segments.append(levels)
        if not coder.is_empty():
            raise CodingError("more was coded than there are levels")
        return segments


def pack(levels: np.ndarray, bits: int) -> np.ndarray:
    """Pack levels (..., m), from 0 and below 2^bits, into (..., ceil(m bits / 8)) uint8, the highest bit of each first.

    If ``bits`` is a power of two, levels lie side by side in a byte, so that none is split between two.
    """
    if bits == 1:
        return np.packbits(levels.astype(bool, copy=False), axis=-1)
    if bits in {2, 4}:
        per_byte = 8 // bits
        padded = _padded(levels.astype(np.uint8, copy=False), per_byte)
        parts = padded.reshape(*padded.shape[:-1], -1, per_byte)
        packed = parts[..., 0]
        for i in range(1, per_byte):
            packed = (packed << np.uint8(bits)) | parts[..., i]
        return packed
    if bits == 8:
        return levels.astype(np.uint8)
    planes = np.unpackbits(levels.astype(">u2")[..., None].view(np.uint8), axis=-1)[..., 16 - bits :]
    return np.packbits(planes.reshape(*levels.shape[:-1], -1), axis=-1)


def unpack(packed: np.ndarray, bits: int, count: int) -> np.ndarray:
    """Return the levels (..., count), uint8 or uint16, that ``pack`` packed.

    Raises:
        CodingError: another number of bytes than these levels take.
    """
    if packed.shape[-1] != packed_bytes(count, bits):
        raise CodingError(f"{packed.shape[-1]} bytes for {count} levels of {bits} bits")
    if bits == 1:
        return np.unpackbits(packed, axis=-1, count=count)
    if bits in {2, 4}:
        mask = np.uint8(2**bits - 1)
        parts = [(packed >> np.uint8(shift)) & mask for shift in range(8 - bits, -1, -bits)]
        return np.stack(parts, axis=-1).reshape(*packed.shape[:-1], -1)[..., :count]
    if bits == 8:
        return packed
    planes = np.unpackbits(packed, axis=-1, count=count * bits).reshape(*packed.shape[:-1], count, bits)
    weights = (1 << np.arange(bits - 1, -1, -1)).astype(np.uint16)
    return (planes * weights).sum(-1, dtype=np.uint16)


def packed_bytes(count: int, bits: int) -> int:
    """Return the number of bytes that ``count`` levels take."""
    return -(-count * bits // 8)


def _padded(levels: np.ndarray, multiple: int) -> np.ndarray:
    missing = -levels.shape[-1] % multiple
    return np.pad(levels, [(0, 0)] * (levels.ndim - 1) + [(0, missing)]) if missing else levels
