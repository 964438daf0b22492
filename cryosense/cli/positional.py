"""Files as bare words on a command line, where Hydra takes ``key=value``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

# Hydra's own options that take an argument.
WITH_A_WORD = {
    "--config-name",
    "-cn",
    "--config-path",
    "-cp",
    "--config-dir",
    "-cd",
    "--package",
    "-p",
    "--cfg",
    "-c",
    "--info",
    "-i",
}


def with_word_named(words: Sequence[str], key: str) -> list[str]:
    """Return command-line words with the first that is neither override nor option as ``key=``; see ``with_list_named``."""
    bare = _bare_positions(words)
    return [f"{key}={quoted(word)}" if bare and i == bare[0] else word for i, word in enumerate(words)]


def with_list_named(words: Sequence[str], key: str) -> list[str]:
    """Return the command-line words with all that are neither override nor option as one ``key=[...]``, where the first was.

    A word with ``=`` in it is a bare one if it is the path of something that exists. Each is quoted for Hydra: spaces, commas,
    brackets, quotes, backslashes and ``$`` stay what they are.
    """
    bare = _bare_positions(words)
    if not bare:
        return list(words)
    override = f"{key}=[{','.join(quoted(words[i]) for i in bare)}]"
    others = set(bare[1:])
    return [override if i == bare[0] else word for i, word in enumerate(words) if i not in others]


def quoted(word: str) -> str:
    """Return a word as a string in Hydra's override grammar, with any ``$`` kept from being an OmegaConf interpolation."""
    escaped = word.replace("${", "\\${")
    # In a quoted string a backslash means itself unless backslashes lead up to a quote.
    parts = escaped.split("'")
    ends = [part + "\\" * _trailing_backslashes(part) for part in parts]
    return "'" + "\\'".join(ends) + "'"


def _trailing_backslashes(text: str) -> int:
    return len(text) - len(text.rstrip("\\"))


def _bare_positions(words: Sequence[str]) -> list[int]:
    return [i for i, word in enumerate(words) if _is_bare(word) and not (i and words[i - 1] in WITH_A_WORD)]


def _is_bare(word: str) -> bool:
    return bool(word) and not word.startswith(("-", "~")) and ("=" not in word or Path(word).exists())
