"""Writes the pages that are made of what the package itself says: the command line, the API, the changelog."""

from __future__ import annotations

import shutil
from pathlib import Path

from cryosense.cli.conf_dir import conf_dir
from cryosense.cli.help.catalogue import all_entries, catalogue, groups_of, is_shown, member, members
from cryosense.cli.help.comments import Entry, read
from cryosense.cli.help.page import examples_of, without_examples
from cryosense.cli.main import VERBS

DOCS = Path(__file__).parent
PACKAGE = DOCS.parent / "cryosense"
MOST_CHARACTERS = 76
# What is called from outside, and what each holds; rooms that only the command line uses are left out.
ROOMS = {
    "data": "Particles, files and their geometry",
    "operators": "What measures an image",
    "measurement": "Operator, noise and quantiser together, and the file of what was measured",
    "priors": "Penalties and their proximal maps",
    "denoisers": "What samplers of the posterior ask",
    "solvers": "Algorithms on callables",
    "reconstructors": "From a measurement to an image",
    "metrics": "Scores, FSC, masks of maps",
    "volumes": "CTF, projection, back-projection",
    "alignment": "Poses",
    "simulation": "Particles with known truth",
    "training": "Networks",
    "biology": "Latents and atomic models",
    "errors": "The tree of errors",
}


def main() -> None:
    """Write ``cli/``, ``api/`` and ``changelog.md`` anew."""
    for name in ("cli", "api"):
        shutil.rmtree(DOCS / name, ignore_errors=True)
        (DOCS / name).mkdir()
    (DOCS / "cli" / "index.md").write_text(cli_index())
    for verb in VERBS:
        (DOCS / "cli" / f"{verb}.md").write_text(cli_page(verb))
    (DOCS / "api" / "index.md").write_text(api_index())
    for room in ROOMS:
        (DOCS / "api" / f"{room}.md").write_text(api_page(room))
    (DOCS / "changelog.md").write_text((DOCS.parent / "CHANGELOG.md").read_text())


def cli_index() -> str:
    """Return the page of all verbs."""
    lines = ["# The command line", "", "`cryosense VERB [KEY=VALUE ...] [GROUP=CHOICE ...] [option ...]`", ""]
    lines += ["| verb | what it does |", "| --- | --- |"]
    lines += [f"| [`{verb}`]({verb}.md) | {said} |" for verb, said in VERBS.items()]
    lines += [
        "",
        "The pages of this part are made of the configuration files' own comments, as is `cryosense VERB --help`.",
        "",
    ]
    return "\n".join(lines)


def cli_page(verb: str) -> str:
    """Return the page of a verb: examples, choices, keys."""
    header, made = read(conf_dir() / f"{verb}.yaml").header, catalogue(verb)
    lines = [f"# {verb}", "", *without_examples(header), "", "```bash", *map(wrapped, examples_of(header)), "```", ""]
    own = {key: found for key, found in all_entries(verb).items() if is_shown(found[0]) and not found[1]}
    of_groups = [key for key in own if any(key.startswith(f"{group.replace('/', '.')}.") for group in made.groups)]
    above = {key: entry.comment for key, entry in made.entries.items() if entry.value is ...}
    lines += ["## Keys", "", *table([own[key][0] for key in own if key not in of_groups], above)]
    for group in groups_of(verb):
        lines += ["", f"## {group}", "", f"`{group}=` {default(made.groups.get(group))}", ""]
        for name in members(group):
            lines += [f"### {group}={name}", "", " ".join(without_examples(member(group, name).header)), ""]
            below = catalogue(verb, {group: name}).shown
            mine = [entry for entry in below if f"{group}={name}" in all_entries(verb)[entry.key][1]]
            lines += [*table(mine), ""] if mine else []
    return "\n".join(lines) + "\n"


def wrapped(command: str) -> str:
    """Return a command in lines that fit the page."""
    first, *words = command.split()
    lines = [first]
    for word in words:
        if len(lines[-1]) + len(word) < MOST_CHARACTERS:
            lines[-1] += f" {word}"
        else:
            lines.append(f"    {word}")
    return " \\\n".join(lines)


def default(name: str | None) -> str:
    """Return what is chosen where nothing is said."""
    return "none by default" if name is None else f"`{name}` by default"


def table(entries: list[Entry], above: dict[str, str] | None = None) -> list[str]:
    """Return keys, defaults and what is said of them, or of the mappings that they are in."""
    rows = [f"| `{entry.key}` | `{cell(entry.text)}` | {cell(said(entry, above or {}))} |" for entry in entries]
    return ["| key | default | |", "| --- | --- | --- |", *rows]


def said(entry: Entry, above: dict[str, str]) -> str:
    """Return what stands above and beside a key."""
    own = " ".join(part for part in (entry.heading, entry.comment) if part)
    return own or above.get(entry.key.rpartition(".")[0], "")


def cell(text: str) -> str:
    """Return text for a cell of a table."""
    return text.replace("|", "\\|")


def api_index() -> str:
    """Return the page of all rooms."""
    lines = [
        "# API",
        "",
        "`import cryosense as cs` brings the names that are used most; each is imported when it is first used.",
        "",
    ]
    lines += ["| room | what it holds |", "| --- | --- |"]
    lines += [f"| [`cryosense.{room}`]({room}.md) | {held} |" for room, held in ROOMS.items()]
    return "\n".join(lines) + "\n"


def api_page(room: str) -> str:
    """Return the page of a room: each of its modules, with all public names."""
    folder = PACKAGE / room
    files = sorted(folder.rglob("*.py")) if folder.is_dir() else [PACKAGE / f"{room}.py"]
    modules = [".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts) for path in files if path.stem[0] != "_"]
    lines = [f"# {room}", "", f"{ROOMS[room]}.", ""]
    for module in modules:
        lines += [f"::: {module}", ""]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
