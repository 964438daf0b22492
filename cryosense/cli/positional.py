"""What a command line leaves out where Hydra takes ``key=value``: keys of bare words, and choices that other words imply."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
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

# Files that particles are read from.
PARTICLES = {".star", ".cs", ".mrcs", ".mrc", ".st", ".map", ".npy", ".pt", ".h5"}


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


def with_directory_named(words: list[str]) -> list[str]:
    """Return the command-line words with the first that is neither override nor flag as ``directory=``, quoted for Hydra."""
    for i, word in enumerate(words):
        after_flag = i > 0 and words[i - 1].startswith("--")
        if not word.startswith("-") and not after_flag and ("=" not in word or Path(word).is_dir()):
            quoted = word.replace("\\", "\\\\").replace("'", "\\'")
            return [*words[:i], f"directory='{quoted}'", *words[i + 1 :]]
    return words


def with_stack_named(words: list[str]) -> list[str]:
    """Return the command-line words with ``data=stack`` beside the first that names a file of it, unless data are chosen.

    With ``data.half_paths`` it is ``data=halves``. Beside it rather than in front of all: between overrides a flag such as
    ``-m`` is not understood.
    """
    first = next((i for i, word in enumerate(words) if word.startswith("data.path=")), None)
    chosen = any(word.startswith("data=") for word in words)
    kind = "halves" if any(word.startswith("data.half_paths=") for word in words) else "stack"
    return words if first is None or chosen else [*words[:first], f"data={kind}", *words[first:]]


def with_particles_named(words: Sequence[str]) -> list[str]:
    """Return the command-line words with the first bare one that is, or could be, a file of particles as ``data.path=``.

    Other bare words stay as they are, such as a key without its value.
    """
    if any(word.startswith("data.path=") for word in words):
        return list(words)
    named = next((words[i] for i in _bare_positions(words) if Path(words[i]).suffix.lower() in PARTICLES), None)
    return [f"data.path={quoted(word)}" if word is named else word for word in words]


def with_operator_chosen(words: list[str]) -> list[str]:
    """Return the command-line words, with ``~design`` behind them if they name an operator and no design."""
    named = any(word.startswith(("operator", "compression=")) for word in words)
    return [*words, "~design"] if named and not any(word.startswith(("design", "~design")) for word in words) else words


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


def measured_stack(words: Sequence[str]) -> list[str]:
    """Return the command-line words of ``measure``: the stack named, and no design beside an operator."""
    return with_operator_chosen(with_word_named(words, "data.path"))


def of_stack(words: Sequence[str]) -> list[str]:
    """Return the command-line words with their stack named, and ``data=stack`` beside it; see ``with_stack_named``."""
    return with_stack_named(with_particles_named(words))


# By verb; the others take key=value alone.
LEFT_OUT: Mapping[str, Callable[[list[str]], list[str]]] = {
    "advise": partial(with_word_named, key="data.path"),
    "align": with_particles_named,
    "backproject": with_particles_named,
    "collect": with_directory_named,
    "compare-latents": partial(with_list_named, key="latents"),
    "compare-models": partial(with_list_named, key="models"),
    "design": partial(with_word_named, key="data.path"),
    "export": partial(with_word_named, key="data.path"),
    "inspect": partial(with_word_named, key="path"),
    "measure": measured_stack,
    "reconstruct": of_stack,
    "report": with_directory_named,
    "train": of_stack,
    "validate": of_stack,
}


def in_full(verb: str, words: Sequence[str]) -> list[str]:
    """Return a verb's command-line words with what they leave out."""
    return LEFT_OUT.get(verb, list)(list(words))
