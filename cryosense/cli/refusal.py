"""How a verb refuses input that it cannot use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hydra.errors import InstantiationException
from omegaconf.errors import OmegaConfBaseException


def reason(error: Exception) -> str:
    """-> what the error says, in one line, of what it comes from where a config node could not be made."""
    said = str(cause(error)).strip()
    return "; ".join(line.strip() for line in said.splitlines()) or type(error).__name__


def cause(error: Exception) -> Exception:
    """-> the error itself, or the one for which a config node could not be made."""
    below = error.__cause__
    return below if isinstance(error, InstantiationException) and isinstance(below, Exception) else error


@contextmanager
def one_line(verb: str) -> Iterator[None]:
    """Turn an error that the input explains into an exit of status 1 that says why."""
    try:
        yield
    except (ValueError, OSError, InstantiationException, OmegaConfBaseException) as error:
        raise SystemExit(f"cryosense {verb}: {reason(error)}") from None
