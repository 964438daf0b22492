"""How a verb refuses input that it cannot use: in one line; an error that is not the input's keeps its traceback."""

from __future__ import annotations

import errno
import os
import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from hydra.errors import HydraException, InstantiationException
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from cryosense.cli.keys import key_of, with_keys
from cryosense.errors import ConfigError, CryosenseError

TRACEBACK = "CRYOSENSE_TRACEBACK"  # environment variable, same as option --traceback: 1 shows every error with its traceback
# What a file system says without naming the file.
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS}
CURES = {errno.ENOSPC: "make room there", errno.EDQUOT: "make room there", errno.EROFS: "choose another place"}
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")  # could say anything to a terminal
NODE = re.compile(r"^full_key: ([\w.]+)$", re.MULTILINE)
LONGEST = 2000


def reason(error: Exception) -> str:
    """Return what the error says, on one line, with configuration keys in place of the arguments that it names."""
    below, node = _unwrapped(error)
    if isinstance(below, MissingMandatoryValue):
        return f"{key_of(str(below.full_key))}=... is needed: it has no default"
    said = _of_file(below) or str(below).strip()
    said = said if isinstance(below, ConfigError) else with_keys(said, below, node)  # those are in keys as they are
    said = f"{node}: {said}" if isinstance(below, TypeError) and node else said
    line = "; ".join(line.strip() for line in said.splitlines()) or type(below).__name__
    line = CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", line)
    return line if len(line) <= LONGEST else f"{line[:LONGEST]} ..."


def _of_file(error: Exception) -> str | None:
    """Return what a file system says of a file, the file first, and what helps; None of other errors."""
    if not isinstance(error, OSError) or error.filename is None or not error.strerror:
        return None
    return ": ".join([str(error.filename), error.strerror, *([CURES[error.errno]] if error.errno in CURES else [])])


def cause(error: Exception) -> Exception:
    """Return the error itself, or the one for which a config node could not be made."""
    return _unwrapped(error)[0]


def _unwrapped(error: Exception) -> tuple[Exception, str | None]:
    """Return the cause, and the full key of the node that could not be made because of it."""
    node = None
    while isinstance(error, InstantiationException) and isinstance(error.__cause__, Exception):
        found = NODE.search(str(error))
        error, node = error.__cause__, found[1] if found else node
    return error, node


def is_explained(error: Exception) -> bool:
    """Return whether the input explains the error: one of the tree, of the configuration, or about a file on the disk."""
    below = cause(error)
    if isinstance(below, OSError) and not isinstance(below, HydraException):
        return below.filename is not None or below.errno in FULL
    if isinstance(below, TypeError):  # of the call itself: a key that is not a parameter, or one that is missing
        return below is not error and _deepest_module(below).startswith("hydra.")
    return isinstance(below, (CryosenseError, OmegaConfBaseException, HydraException))


def _deepest_module(error: Exception) -> str:
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    return str(frames[-1].f_globals.get("__name__")) if frames else ""


@contextmanager
def one_line(verb: str) -> Iterator[None]:
    """Turn an error that the input explains into an exit with status 1 that says why."""
    try:
        yield
    except (CryosenseError, OSError, HydraException, OmegaConfBaseException) as error:
        if os.environ.get(TRACEBACK) == "1" or not is_explained(error):
            raise
        raise SystemExit(f"cryosense {verb}: {reason(error)}") from None
