"""The order of words on a command line, which matters to Hydra but need not matter to users."""

from __future__ import annotations

from collections.abc import Sequence

from cryosense.cli.positional import WITH_A_WORD


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


def asked_about(words: Sequence[str]) -> str | None:
    """Return the key after ``--help``, if there is one."""
    after = [words[i + 1] for i, word in enumerate(words[:-1]) if word in {"--help", "-h"}]
    return next((word for word in after if not word.startswith("-") and "=" not in word), None)
