"""What ``cryosense VERB --help`` prints: this verb's choices and keys, with the comments of the configuration files."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterator, Sequence

from cryosense.cli.conf_dir import conf_dir
from cryosense.cli.help.catalogue import (
    Catalogue,
    all_entries,
    catalogue,
    goes_with,
    groups_of,
    is_shown,
    member,
    members,
    needs,
)
from cryosense.cli.help.comments import Entry, read
from cryosense.cli.help.nearest import nearest

OPTIONS = {
    "-m": "one run for each combination of values with commas between them, such as compression=2,4",
    "--config-dir DIR": "a folder with choices of your own, such as operator/mine.yaml",
    "--cfg job": "print the resolved configuration, and do nothing",
    "--traceback": "show where an error comes from; also CRYOSENSE_TRACEBACK=1",
    "--help KEY": "all about one key or choice",
}
COLUMN = 30


def chosen_in(words: Sequence[str]) -> dict[str, str | None]:
    """Return the choices of groups that a command line makes."""
    pairs = [word.lstrip("+").partition("=") for word in words if not word.startswith("-")]
    return {key: None if value == "null" else value for key, equals, value in pairs if equals and "," not in value}


def verb_page(verb: str, words: Sequence[str] = ()) -> str:
    """Return the help of a verb with these words on its command line."""
    made, header = catalogue(verb, chosen_in(words)), read(conf_dir() / f"{verb}.yaml").header
    said, examples = without_examples(header), examples_of(header)
    lines = [f"cryosense {verb}", *textwrap.wrap(" ".join(said), width()), "", "Examples:"]
    lines += [f"  {line}" for line in examples]
    if made.groups:
        lines += ["", f"Choices, GROUP=CHOICE (cryosense {verb} --help GROUP says more of them):"]
        for group, name in made.groups.items():
            parts = (made.said[group], _others(group, name, made))
            lines += row(f"{group}={name or 'null'}", " ".join(part for part in parts if part))
    lines += ["", "Keys, KEY=VALUE (??? must be given):", *_rest(made)]
    for group, name in made.groups.items():
        below = [entry for entry in made.shown if group_of(entry.key, made) == group]
        if below and name:
            lines += ["", *textwrap.wrap(f"Keys of {group}={name}: {first_sentence(member(group, name).header)}", width())]
            lines += [line for entry in below for line in entry_row(entry)]
    lines += ["", "Options:", *[line for option, said in OPTIONS.items() for line in row(option, said)]]
    return "\n".join(lines)


def key_page(verb: str, word: str) -> str | None:
    """Return the help of a key, by its full name or its last word, or of a group; None if there is none of that name."""
    if word in groups_of(verb):
        return "\n".join(_of_group(verb, word))
    known = {key: found for key, found in all_entries(verb).items() if is_shown(found[0])}
    keys = [word] if word in known else [key for key in known if key.endswith(f".{word}") or key.startswith(f"{word}.")]
    if not keys:
        return None
    lines: list[str] = []
    for key in keys:
        entry, choices = known[key]
        lines += [f"{key}={entry.text}", *_indented(" ".join(part for part in (entry.heading, entry.comment) if part))]
        lines += _indented(f"with {' or '.join(choices)}") if choices else []
    return "\n".join(lines)


def no_such_key(verb: str, word: str) -> str:
    """Return one line for a word that names neither key nor group."""
    near = nearest(word, [*groups_of(verb), *all_entries(verb)])
    return f"no key {word!r}" + (f"; the nearest is {near}" if near else "") + f". cryosense {verb} --help lists all"


def group_of(key: str, made: Catalogue) -> str | None:
    """Return the group whose chosen member has a key, the longest name where groups are nested."""
    holders = [group for group in made.groups if key.startswith(f"{group.replace('/', '.')}.")]
    return max(holders, key=len, default=None)


def without_examples(header: Sequence[str]) -> list[str]:
    """Return a file's header without its examples."""
    return [line for line in header if not line.startswith("Example: ")]


def examples_of(header: Sequence[str]) -> list[str]:
    """Return the commands that a file's header shows."""
    return [line.removeprefix("Example: ") for line in header if line.startswith("Example: ")]


def first_sentence(header: Sequence[str]) -> str:
    """Return a header's first sentence."""
    return " ".join(without_examples(header)).partition(". ")[0].rstrip(".")


def entry_row(entry: Entry) -> list[str]:
    """Return a key with its value and comment, after the heading of it and those that follow."""
    heading = ["", *textwrap.wrap(entry.heading, width() - 2, initial_indent="  ", subsequent_indent="  ")]
    return [*(heading if entry.heading else []), *row(f"{entry.key}={entry.text}", entry.comment)]


def row(left: str, right: str) -> list[str]:
    """Return two columns, the right one wrapped."""
    wrapped = textwrap.wrap(right, width() - COLUMN) or [""]
    if len(left) > COLUMN - 4:
        return [f"  {left}", *[" " * COLUMN + line for line in wrapped if line]]
    return [f"  {left:<{COLUMN - 2}}{wrapped[0]}".rstrip(), *[" " * COLUMN + line for line in wrapped[1:]]]


def width() -> int:
    """Return the columns of the terminal, within readable limits."""
    return max(60, min(120, shutil.get_terminal_size((100, 24)).columns))


def _rest(made: Catalogue) -> Iterator[str]:
    """Yield keys of no group, under the comments of their nodes."""
    node = ""
    for entry in made.shown:
        if group_of(entry.key, made) is None:
            parent = entry.key.rpartition(".")[0]
            said = made.entries[parent].comment if parent in made.entries else ""
            if parent != node and not entry.heading:
                yield ""
                yield from textwrap.wrap(said, width() - 2, initial_indent="  ", subsequent_indent="  ")
            node = parent
            yield from entry_row(entry)


def _others(group: str, name: str | None, made: Catalogue) -> str:
    """Return the other members, those that go with what else is chosen."""
    fitting = [each for each in members(group) if goes_with(group, each, made)]
    others = [each for each in fitting if each != name]
    return f"or {', '.join(others)}" if others else ""


def _of_group(verb: str, group: str) -> Iterator[str]:
    chosen = catalogue(verb).groups.get(group)
    yield f"{group}={chosen or 'null'}"
    for name in members(group):
        yield from ("", *row(f"{group}={name}", " ".join(without_examples(member(group, name).header))))
        made = catalogue(verb, {**dict(needs(group, name)[:1]), group: name})
        for entry in made.shown:
            if f"{group}={name}" in all_entries(verb)[entry.key][1]:
                yield from row(f"  {entry.key}={entry.text}", entry.comment)


def _indented(text: str) -> list[str]:
    return textwrap.wrap(text, width() - 4, initial_indent="    ", subsequent_indent="    ")
