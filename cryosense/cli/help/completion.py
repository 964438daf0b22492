"""Completion for bash, zsh and fish: what may follow on a command line, and the few lines of shell that ask for it."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path

from cryosense.cli.help.catalogue import all_entries, groups_of, is_shown, members

SHELLS = {
    "bash": """_cryosense() {
    local current="${COMP_LINE:0:COMP_POINT}" line
    local word="${current##* }" before=""
    [[ $word == *=* && $COMP_WORDBREAKS == *=* ]] && before="${word%"${word##*=}"}"
    COMPREPLY=()
    while IFS= read -r line; do COMPREPLY+=("${line#"$before"}"); done < <(cryosense --complete "$current" 2>/dev/null)
    [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} != *[=/] ]] || compopt -o nospace 2>/dev/null
}
complete -o nosort -F _cryosense cryosense
""",
    "zsh": """#compdef cryosense
_cryosense() {
    local -a found
    found=("${(@f)$(cryosense --complete "${(j: :)words[1,CURRENT-1]} $PREFIX" 2>/dev/null)}")
    found=(${found:#})
    compadd -Q -S '' -a found
}
compdef _cryosense cryosense
""",
    "fish": """complete -c cryosense -f -a '(cryosense --complete (commandline -cp | string collect) 2>/dev/null)'
""",
}
OPTIONS = ("-m", "--config-dir", "--cfg", "--help", "--traceback")
FIRST = ("--help", "--version", "--completion")
# Keys and bare words of these endings name files.
FILES = ("path", "dir", "directory", "output", "picture", "metadata", "reference", "root", "model", "ctf", "models", "latents")


def candidates(line: str, verbs: Mapping[str, str]) -> list[str]:
    """Return whole words that the last word of a command line may become."""
    words, last = _split(line)
    if len(words) < 2:
        return _starting(last, [*verbs, *(FIRST if last.startswith("-") else ())])
    if words[1] == "--completion":
        return _starting(last, SHELLS)
    if words[1] not in verbs:
        return []
    return _of_verb(words[1], words[-1], last)


def _of_verb(verb: str, before: str, last: str) -> list[str]:
    groups = groups_of(verb)
    keys = [key for key, (entry, _) in all_entries(verb).items() if is_shown(entry)]
    if before in {"--help", "-h"}:
        return _starting(last, [*groups, *keys])
    if before in {"--config-dir", "-cd"}:
        return _paths(last)
    if last.startswith("-"):
        return _starting(last, OPTIONS)
    key, equals, value = last.partition("=")
    if not equals:
        return _starting(last, [f"{each}=" for each in (*groups, *keys)]) + (_paths(last) if last else [])
    done, comma, typed = value.rpartition(",")
    if key in groups:
        return [f"{key}={done}{comma}{each}" for each in _starting(typed, members(key))]
    text = all_entries(verb)[key][0].text if key in keys else ""
    if text in {"true", "false"}:
        return [f"{key}={done}{comma}{each}" for each in _starting(typed, ("true", "false"))]
    if key.rpartition(".")[2].endswith(FILES):
        return [f"{key}={done}{comma}{each}" for each in _paths(typed)]
    return [f"{key}={text}"] if key in keys and not value and text not in {"???", "null", "[...]"} and "$" not in text else []


def _split(line: str) -> tuple[list[str], str]:
    """Return the finished words, and the one that the cursor is in."""
    try:
        words = shlex.split(line)
    except ValueError:  # an open quotation
        words = line.split()
    return (words, "") if not line or line[-1].isspace() else (words[:-1], words[-1])


def _starting(typed: str, words: Iterable[str]) -> list[str]:
    return [word for word in words if word.startswith(typed)]


def _paths(typed: str) -> list[str]:
    """Return files and folders, the latter with a slash."""
    folder = Path(typed[: typed.rfind("/") + 1] or ".").expanduser()
    try:
        found = sorted(folder.iterdir())
    except OSError:
        return []
    stem, start = typed[typed.rfind("/") + 1 :], typed[: typed.rfind("/") + 1]
    shown = [path for path in found if path.name.startswith(stem) and (stem.startswith(".") or not path.name.startswith("."))]
    return [f"{start}{path.name}{'/' if path.is_dir() else ''}" for path in shown]
