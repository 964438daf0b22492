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
    options = {word for word in words if word.startswith("-")}
    overrides = [word for word in words if word not in options]
    if installed() or options - SWEEPS or any("hydra." in word.partition("=")[0] for word in overrides):
        return
    found = parsed(verb, overrides)
    if not options:
        refuse_several(found)
    refuse_mistyped(verb, found, members)
