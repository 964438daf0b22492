"""The list of molecules: which chain of which package's files, its sequence's hash, its fold and the split it belongs to."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from importlib.resources import files

from cryosense.errors import ArgumentError

SPLITS = ("training", "validation", "test")


@dataclass(frozen=True)
class Listed:
    """A chain: ``file`` is relative to its package, ``chain`` the identifier in it, ``fold`` the name of its first member.

    Chains of different folds are below 25 % of sequence identity and in no named family together; a fold is in one split only.
    """

    name: str
    package: str
    file: str
    chain: str
    residues: int
    sequence_hash: str
    fold: str
    split: str


def listed(split: str | None = None, names: Sequence[str] | None = None) -> list[Listed]:
    """Return the molecules of a split, all where it is None, or those named, in that order.

    Raises:
        ArgumentError: another split, or a name that is not in the list.
    """
    rows = parsed((files("cryosense.simulation.library") / "molecules.tsv").read_text(encoding="utf-8"))
    if names is not None:
        by_name = {row.name: row for row in rows}
        unknown = [name for name in names if name not in by_name]
        if unknown:
            raise ArgumentError(f"names: there is no molecule {unknown[0]}; there are {', '.join(by_name)}")
        return [by_name[name] for name in names]
    if split is not None and split not in SPLITS:
        raise ArgumentError(f"split is {split}: choose one of {', '.join(SPLITS)}")
    return [row for row in rows if split in (None, row.split)]


def parsed(text: str) -> list[Listed]:
    """Return the rows of the list's text."""
    rows = csv.DictReader(io.StringIO(text), delimiter="\t")
    return [Listed(residues=int(row.pop("residues")), **row) for row in rows]


def written(rows: Sequence[Listed]) -> str:
    """Return the list as text: a line of names, then one line for each molecule, separated by tabs."""
    lines = [[field.name for field in fields(Listed)], *(map(str, astuple(row)) for row in rows)]
    return "".join("\t".join(line) + "\n" for line in lines)
