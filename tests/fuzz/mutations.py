"""Ways to spoil a valid file: bytes, pieces, and the numbers in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

NUMBERS = re.compile(rb"[-+]?\d+(\.\d+)?([eE][-+]?\d+)?")
STRANGE = [b"nan", b"-inf", b"1e999", b"-1", b"0", b"", b"99999999999999999999", b"1e-320", b"\xff\xfe", b"\0", b"2147483648"]
LIMITS = [(2**31 - 1, 4), (2**32 - 1, 4), (2**40, 8), (2**63 - 1, 8), (0, 4), (0, 8), (2**15, 2), (255, 1), (2**30, 4)]


@dataclass(frozen=True)
class Mutation:
    """What is done, at which share of the file, with which number, over how many bytes."""

    kind: int
    where: float
    value: int
    length: int


def apply(content: bytes, mutations: Sequence[Mutation]) -> bytes:
    """-> the content after all mutations."""
    for mutation in mutations:
        content = KINDS[mutation.kind % len(KINDS)](content, mutation)
    return content


def drawn(generator: np.random.Generator) -> list[Mutation]:
    """-> one to six mutations, mostly few."""
    count = 1 + min(int(generator.geometric(0.5)), 5)
    kinds, values = generator.integers(0, len(KINDS), count), generator.integers(0, 2**16, count)
    # What can go wrong is mostly said at the beginning of a file, or at its end.
    places = generator.random(count) ** generator.choice([1, 3, 8], count)
    places = np.where(generator.random(count) < 0.2, 1 - places, places)
    lengths = generator.geometric(0.1, count)
    drawn = zip(kinds, places, values, lengths, strict=True)
    return [Mutation(int(kind), float(where), int(value), int(length)) for kind, where, value, length in drawn]


def _at(content: bytes, mutation: Mutation) -> int:
    return min(int(mutation.where * len(content)), max(len(content) - 1, 0))


def _flip(content: bytes, mutation: Mutation) -> bytes:
    spoiled, at = bytearray(content), _at(content, mutation)
    if spoiled:
        spoiled[at] ^= 1 << (mutation.value % 8)
    return bytes(spoiled)


def _overwrite(content: bytes, mutation: Mutation) -> bytes:
    at, new = _at(content, mutation), mutation.value.to_bytes(2, "little") * mutation.length
    return content[:at] + new[: mutation.length] + content[at + mutation.length :]


def _limit(content: bytes, mutation: Mutation) -> bytes:
    value, size = LIMITS[mutation.value % len(LIMITS)]
    at = _at(content, mutation) // 4 * 4
    return content[:at] + value.to_bytes(size, "big" if mutation.value % 16 == 0 else "little") + content[at + size :]


def _cut(content: bytes, mutation: Mutation) -> bytes:
    return content[: _at(content, mutation)]


def _remove(content: bytes, mutation: Mutation) -> bytes:
    at = _at(content, mutation)
    return content[:at] + content[at + mutation.length :]


def _insert(content: bytes, mutation: Mutation) -> bytes:
    at = _at(content, mutation)
    return content[:at] + bytes((mutation.value * k + k) % 256 for k in range(1, mutation.length + 1)) + content[at:]


def _repeat(content: bytes, mutation: Mutation) -> bytes:
    at = _at(content, mutation)
    piece = content[at : at + 4 * mutation.length]
    return content[:at] + piece * (1 + mutation.value % 9) + content[at:]


def _number(content: bytes, mutation: Mutation) -> bytes:
    found = list(NUMBERS.finditer(content))
    if not found:
        return _flip(content, mutation)
    at = found[min(int(mutation.where * len(found)), len(found) - 1)]
    return content[: at.start()] + STRANGE[mutation.value % len(STRANGE)] + content[at.end() :]


def _swap_lines(content: bytes, mutation: Mutation) -> bytes:
    lines = content.split(b"\n")
    a, b = int(mutation.where * len(lines)) % len(lines), mutation.value % len(lines)
    lines[a], lines[b] = lines[b], lines[a]
    return b"\n".join(lines)


KINDS: list[Callable[[bytes, Mutation], bytes]] = [
    *(_flip, _overwrite, _limit, _cut, _remove, _insert, _repeat, _number, _number, _swap_lines),
]
