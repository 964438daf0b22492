"""How a verb refuses input that it cannot use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hydra.errors import InstantiationException
from omegaconf.errors import OmegaConfBaseException


@contextmanager
def one_line(verb: str) -> Iterator[None]:
    """Turn an error that the input explains into an exit of status 1 that says why."""
    try:
        yield
    except (ValueError, OSError, InstantiationException, OmegaConfBaseException) as error:
        reason = str(error.__cause__ if isinstance(error, InstantiationException) and error.__cause__ else error)
        if isinstance(error, OmegaConfBaseException):
            reason = "; ".join(line.strip() for line in reason.splitlines())
        raise SystemExit(f"cryosense {verb}: {reason}") from None
