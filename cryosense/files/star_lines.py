"""A STAR file as portions of whole lines, within limits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from cryosense.errors import ParticleDataError

LARGEST_BYTES, LONGEST_LINE, MOST_LINES = 2**32, 2**20, 10**7
PORTION_BYTES = 2**21

_NO_CONTROL = bytes(byte for byte in range(256) if byte in b"\t\n\r" or (byte >= 32 and byte != 127))
_BOM = b"\xef\xbb\xbf"


def count_lines(path: Path) -> int:
    """Return how many lines a file has; ParticleDataError where it is too large or has too many."""
    size = path.stat().st_size
    if size > LARGEST_BYTES:
        raise ParticleDataError(f"{path}: {size} bytes, more than {LARGEST_BYTES}: too large for a table of particles")
    lines = 1
    with path.open("rb") as file:
        while portion := file.read(PORTION_BYTES):
            lines += portion.count(b"\n")
            if lines > MOST_LINES:
                raise ParticleDataError(f"{path}: more than {MOST_LINES} lines: too long for a table of particles")
    return lines


def portions(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield whole lines, some at a time and without the last line's end, after the number of the first, from 1."""
    number, rest = 1, b""
    with path.open("rb") as file:
        if file.read(len(_BOM)) != _BOM:
            file.seek(0)
        while content := file.read(PORTION_BYTES):
            whole, newline, tail = (rest + content).rpartition(b"\n")
            rest = tail
            _check_portion(path, number, whole, rest)
            if newline:
                yield number, whole
                number += whole.count(b"\n") + 1
    if rest:
        _check_portion(path, number, rest, b"")
        yield number, rest


def _check_portion(path: Path, number: int, whole: bytes, rest: bytes) -> None:
    if max(len(rest), _longest(whole)) > LONGEST_LINE:
        raise ParticleDataError(f"{path}: line {number} or one soon after has more than {LONGEST_LINE} bytes: not a STAR file")
    whole += b"\n"
    if whole.translate(None, _NO_CONTROL) or whole.count(b"\r") != whole.count(b"\r\n"):
        raise ParticleDataError(f"{path}: line {number} or one soon after holds control characters: not a STAR file")


def _longest(content: bytes) -> int:
    return max(map(len, content.split(b"\n"))) if len(content) > LONGEST_LINE else 0
