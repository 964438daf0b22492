"""The order of words on a command line, which matters to Hydra but need not matter to users."""

from __future__ import annotations

from collections.abc import Sequence

from cryosense.cli.help.nearest import nearest
from cryosense.cli.positional import WITH_A_WORD
from cryosense.errors import ConfigError

# Hydra's, and what may follow those that take one of a few words.
OPTIONS = {*WITH_A_WORD, "--multirun", "-m", "--run", "-r", "--resolve", "--hydra-help", "--version"}
OPTIONS |= {"--shell-completion", "-sc", "--experimental-rerun"}
EACH_ALONE = {"--cfg", "-c", "--info", "-i", "--run", "-r", "--multirun", "-m", "--shell-completion", "-sc"}
SHOWN = ("job", "hydra", "all")
MAY_STAND_ALONE = {"--info", "-i"}


def options_first(words: Sequence[str]) -> list[str]:
    """Return the words with options and their arguments first, since Hydra does not understand them between overrides."""
    options, others = [], []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if not word.startswith("-"):
            others.append(word)
            continue
        options.append(word)
        if word in WITH_A_WORD and rest:
            options.append(rest.pop(0))
    return [*options, *others]


def refuse_unknown_options(words: Sequence[str]) -> None:
    """Check the words that begin with a dash, which Hydra would answer with all that it knows.

    Raises:
        ConfigError: no such option, or one that lacks its word.
    """
    for i, word in enumerate(words):
        if not word.startswith("-") or (i and words[i - 1] in WITH_A_WORD):
            continue
        name, equals, value = word.partition("=")
        before = [each.partition("=")[0] for each in words[:i] if each.partition("=")[0] in EACH_ALONE]
        if name in EACH_ALONE and before:
            raise ConfigError(f"{before[0]} and {name}: only one of them can be given")
        if name not in OPTIONS:
            near = nearest(name, sorted(OPTIONS))
            meant = f"; the nearest is {near}" if near else ""
            bare = f"; keys are typed without dashes: {word.lstrip('-')}" if equals else ""
            raise ConfigError(f"{word}: there is no such option{bare or meant}")
        value = value if equals else "".join(words[i + 1 : i + 2])
        if name in WITH_A_WORD - MAY_STAND_ALONE and not value:
            raise ConfigError(f"{name}: needs a word after it")
        if name in {"--cfg", "-c"} and value not in SHOWN:
            raise ConfigError(f"{name} {value}: one of {', '.join(SHOWN)}")


def asked_about(words: Sequence[str]) -> str | None:
    """Return the key after ``--help``, if there is one."""
    after = [words[i + 1] for i, word in enumerate(words[:-1]) if word in {"--help", "-h"}]
    return next((word for word in after if not word.startswith("-") and "=" not in word), None)
