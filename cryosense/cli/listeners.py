"""What becomes of a command's words does not decide over its work: readers may leave early, or not be there at all."""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

NOBODY_THERE = {errno.EPIPE, errno.EIO}  # `cryosense ... | head` has read enough; the terminal is closed
ERRORS = 2  # the number of standard error; what cannot be said there can be said nowhere
STREAMS = {1: "stdout", ERRORS: "stderr"}


def speak_to_whoever_listens() -> None:
    """Let what this process and its children write to standard output and error be lost where nobody reads it.

    Where a stream is closed from the start, its number is taken, so that no file gets it, into which words would then go.
    """
    while (taken := os.open(os.devnull, os.O_RDWR)) <= max(STREAMS):
        os.set_inheritable(taken, True)
    os.close(taken)
    for number, name in STREAMS.items():
        setattr(sys, name, _stream(number, getattr(sys, name)))


class _Listener(io.FileIO):
    """The far end of a stream, which leads nowhere as soon as nobody is there."""

    def write(self, words: ReadableBuffer, /) -> int:
        """Write, and return how many bytes are done with. Raises OSError, but not where nobody reads, nor for errors."""
        try:
            return super().write(words)
        except OSError as error:
            if error.errno not in NOBODY_THERE and self.fileno() != ERRORS:
                raise
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.fileno())
        os.close(nowhere)
        return super().write(words)


def _stream(number: int, before: io.TextIOWrapper | None) -> io.TextIOWrapper:
    """Return a stream that writes as the one before, None if it was closed, does."""
    end = io.BufferedWriter(_Listener(number, "wb", closefd=False))
    if before is None:
        return io.TextIOWrapper(end, errors="backslashreplace")
    before.flush()
    return io.TextIOWrapper(
        end,
        encoding=before.encoding,
        errors=before.errors,
        line_buffering=before.line_buffering,
        write_through=before.write_through,
    )
