"""Typing errors are told before anything that a verb works with is imported, which takes seconds."""

from __future__ import annotations

from collections.abc import Sequence

from cryosense.cli.help.catalogue import members
from cryosense.cli.help.typos import parsed, refuse_mistyped, refuse_several
from cryosense.cli.plugins import installed

SWEEPS = {"-m", "--multirun"}


def refuse_early(verb: str, words: Sequence[str]) -> None:
    """Check a command line by cryosense's own configurations, unless others may take part; whoever composes it checks again.

    Raises:
        ConfigError: see ``refuse_mistyped`` and ``refuse_several``.
    """
    if not only_own(words):
        return
    found = parsed(verb, [word for word in words if word not in SWEEPS])
    if not SWEEPS & set(words):
        refuse_several(found)
    refuse_mistyped(verb, found, members)


def only_own(words: Sequence[str]) -> bool:
    """Return whether what words compose is of cryosense's own configurations alone, and Hydra is set up as these do."""
    odd = [word for word in words if "hydra." in word.partition("=")[0] or (word.startswith("-") and word not in SWEEPS)]
    return not odd and not installed()
