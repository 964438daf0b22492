"""The words of one line of a STAR file: quotes and comments obeyed."""

from __future__ import annotations

import re

_WORD = re.compile(rb"\"((?:[^\"]|\"(?=[^\s]))*)\"(?=\s|$)|'((?:[^']|'(?=[^\s]))*)'(?=\s|$)|([^\s\"'#]\S*)")
_SPACE = re.compile(rb"\s*")


def has_marks(content: bytes) -> bool:
    """Say whether there may be quotes or comments."""
    return b'"' in content or b"'" in content or b"#" in content


def words_of(line: bytes) -> tuple[list[bytes], bytes]:
    """Cut a line into words, without their quotes, and return what follows from a quote on that is not closed, or nothing."""
    if not has_marks(line):
        return line.split(), b""
    words: list[bytes] = []
    at = _after_space(line, 0)
    while at < len(line) and line[at : at + 1] != b"#":
        found = _WORD.match(line, at)
        if found is None:
            return words, line[at:]
        words.append(next(group for group in found.groups() if group is not None))
        at = _after_space(line, found.end())
    return words, b""


def is_keyword(word: bytes, line: bytes) -> bool:
    """Say whether the first word of a line begins a block or a loop, and does not stand in quotes."""
    return (word.startswith(b"data_") or word == b"loop_") and line.lstrip().startswith(word)


def _after_space(line: bytes, at: int) -> int:
    found = _SPACE.match(line, at)
    return at if found is None else found.end()
