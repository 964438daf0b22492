"""Names stay as typed: Hydra reads ``output_dir=2024_05_01`` as a number, and ``data.path=Müller (2).star`` not at all."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException

from cryosense.cli.kinds import kinds_of
from cryosense.cli.leaves import leaves_of
from cryosense.cli.positional import quoted
from cryosense.cli.wrong_kinds import READ_BY_VERBS

OVERRIDE = re.compile(r"(\+{0,2}([\w.]+)=)(.*)", re.DOTALL)
PLAIN = re.compile(r"[\w.+-]+(?:,[\w.+-]+)*", re.ASCII)
REFERENCE = re.compile(r"\?\?\?|\$\{[^{}]*(\{[^{}]*\}[^{}]*)*\}")  # text that reveals no type


def as_typed(verb: str, words: Sequence[str]) -> list[str]:
    """Return a verb's command-line words, with quotes where a key takes a name and Hydra would not read it as typed.

    What Hydra can read as text, a list, a sweep or an interpolation stays what it is.
    """
    sweeps = bool({"-m", "--multirun"} & set(words))
    return [_as_typed(verb, word, sweeps) for word in words]


def _as_typed(verb: str, word: str, sweeps: bool) -> str:
    found = OVERRIDE.fullmatch(word)
    if found is None:
        return word
    key, value = found[1], found[3]
    if PLAIN.fullmatch(value):
        if not any(map(_read_as_another, value.split(","))) or not takes_name(verb, found[2]):
            return word
        return key + ",".join(f"'{each}'" if _read_as_another(each) else each for each in value.split(","))
    if "${" in value or _is_read(word) or not takes_name(verb, found[2]):
        return word
    return key + ",".join(map(quoted, value.split(",") if sweeps else [value]))


def _is_read(word: str) -> bool:
    """Return whether Hydra makes something of a word."""
    try:
        OverridesParser.create().parse_override(word)
    except HydraException:
        return False
    return True


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
    if leaves and key in READ_BY_VERBS:  # nothing is imported to look at what it is given to
        return _is_text(READ_BY_VERBS[key])
    used = [leaf for leaf in leaves_of(verb) if leaf.value == f"${{{key}}}"]
    return bool(leaves) and any(_is_text(leaf.hint) for leaf in (*leaves, *used))


def _is_text(hint: object) -> bool:
    """Return whether an annotation allows text and no number."""
    kinds = set(kinds_of(hint))
    return bool(kinds & {str, Path}) and not kinds & {int, float, bool}
