"""Files as bare words on a command line, where Hydra takes ``key=value``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

# Hydra's own options that are followed by a word of theirs.
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
    """Command-line words with the first that is neither override nor option as ``key=``; see :func:`with_list_named`."""
    bare = _bare_positions(words)
    return [f"{key}={quoted(word)}" if bare and i == bare[0] else word for i, word in enumerate(words)]


def with_list_named(words: Sequence[str], key: str) -> list[str]:
    """Command-line words with all that are neither override nor option as one ``key=[...]``, in the place of the first.

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
    """A word as a string of Hydra's override grammar and, where it has a ``$``, not one of OmegaConf's interpolations."""
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
