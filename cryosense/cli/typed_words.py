"""Names stay as typed: Hydra reads ``output_dir=2024_05_01`` as the number 20240501, and ``data.name=1_2`` as 12."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from hydra.core.override_parser.overrides_parser import OverridesParser

from cryosense.cli.kinds import kinds_of
from cryosense.cli.leaves import Leaf, leaves_of

OVERRIDE = re.compile(r"(\+{0,2}([\w.]+)=)([\w.+-]+(?:,[\w.+-]+)*)")
REFERENCE = re.compile(r"\?\?\?|\$\{[^{}]*(\{[^{}]*\}[^{}]*)*\}")  # text that reveals no type


def as_typed(verb: str, words: Sequence[str]) -> list[str]:
    """Return a verb's command-line words, with what looks like a number in quotes where the key takes a name."""
    return [_as_typed(verb, word) for word in words]


def _as_typed(verb: str, word: str) -> str:
    found = OVERRIDE.fullmatch(word)
    if found is None or not any(map(_read_as_another, found[3].split(","))) or not takes_name(verb, found[2]):
        return word
    return found[1] + ",".join(f"'{value}'" if _read_as_another(value) else value for value in found[3].split(","))


def _read_as_another(value: str) -> bool:
    """Return whether Hydra takes it for a number, or for true or false; null stays null."""
    return isinstance(OverridesParser.create().parse_override(f"key={value}").value(), int | float)


def takes_name(verb: str, key: str) -> bool:
    """Return whether a key of a verb's configuration holds text: by its default, or by the parameter it is given to."""
    leaves = [leaf for leaf in leaves_of(verb) if leaf.key == key]
    values = [leaf.value for leaf in leaves]
    if any(not isinstance(value, str | None) for value in values):
        return False
    if any(isinstance(value, str) and not REFERENCE.fullmatch(value) for value in values):
        return True
    used = [leaf for leaf in leaves_of(verb) if leaf.value == f"${{{key}}}"]
    return bool(leaves) and any(_is_text(leaf) for leaf in (*leaves, *used))


def _is_text(leaf: Leaf) -> bool:
    """Return whether the parameter's annotation allows text and no number."""
    kinds = set(kinds_of(leaf.hint))
    return bool(kinds & {str, Path}) and not kinds & {int, float, bool}
