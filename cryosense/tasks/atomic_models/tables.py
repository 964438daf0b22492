"""A comparison of models as tables: one line for each chain, and numbers for the whole models."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from cryosense.biology.models import ProteinModel
from cryosense.files.escapes import markdown
from cryosense.files.limits import shown
from cryosense.tasks.atomic_models.comparison import Comparison

LONGEST_NOTE = 1000  # characters

WORDS = {
    "sequence_pairs": "pairs of chains of one sequence",
    "paired_chains": "of these also at one place",
    "matched_residues": "matched residues",
    "completeness_a": "matched share of a's residues",
    "completeness_b": "matched share of b's residues",
    "in_place_a": "share of a's residues that b has in place",
    "rmsd_angstrom": "backbone RMSD (Å)",
    "rmsd_superposed_angstrom": "backbone RMSD (Å), the models superposed as wholes",
    "median_distance_angstrom": "median distance of a residue (Å)",
    "confidence_to_distance_a": "rank correlation of distance with a's confidence",
    "confidence_to_distance_b": "rank correlation of distance with b's confidence",
}


def chain_table(found: Comparison, within_angstrom: float) -> pd.DataFrame:
    """Return a row for each chain of a with its partner in b, then b's chains without one, with ``chain_a`` None.

    ``in_place`` is the share of a's residues whose match is within ``within_angstrom``; confidences are means over the matched
    residues. A chain of a without a partner has ``chain_b`` None.
    """
    paired = found.pairs[found.pairs["same_place"]].drop(columns="same_place")
    groups = found.residues.groupby(["chain_a", "chain_b"], sort=False)
    means = groups[["confidence_a", "confidence_b"]].mean().reset_index()
    near = groups["distance_angstrom"].apply(lambda distance: int((distance <= within_angstrom).sum()))
    table = paired.merge(means, on=["chain_a", "chain_b"]).merge(near.rename("near").reset_index(), on=["chain_a", "chain_b"])
    table["in_place"] = table.pop("near") / table["residues_a"]
    alone = [_alone(found.a, "a", table), _alone(found.b, "b", table)]
    return pd.concat([table, *(each for each in alone if len(each))], ignore_index=True)


def _alone(model: ProteinModel, which: str, table: pd.DataFrame) -> pd.DataFrame:
    paired = set(table[f"chain_{which}"])
    left = [chain for chain in model.chains if chain.name not in paired]
    return pd.DataFrame(
        {f"chain_{which}": [chain.name for chain in left], f"residues_{which}": [len(chain) for chain in left]}
    )


def models_markdown(table: pd.DataFrame, summary: Mapping[str, float], notes: list[str]) -> str:
    """Return the chains and, below, the numbers for the whole models, as Markdown."""
    columns = [name for name in TITLES if name in table.columns]
    lines = [
        _line([TITLES[name][0] for name in columns]),
        _line(["---" if TITLES[name][1] == "" else "---:" for name in columns]),
    ]
    lines += [_line([_cell(row[name], TITLES[name][1]) for name in columns]) for row in table.to_dict("records")]
    known = {words: summary[name] for name, words in WORDS.items() if name in summary}
    lines += ["", "| | |", "| --- | ---: |"] * bool(known)
    lines += [_line([words, _cell(value, "d" if isinstance(value, int) else ".3f")]) for words, value in known.items()]
    return "\n".join([*lines, *(f"\n{markdown(shown(note, LONGEST_NOTE))}" for note in notes)]) + "\n"


TITLES = {
    "chain_a": ("chain of a", ""),
    "chain_b": ("chain of b", ""),
    "residues_a": ("residues", ".0f"),
    "residues_b": ("residues of b", ".0f"),
    "matched": ("matched", ".0f"),
    "identity": ("identity", ".3f"),
    "coverage_a": ("coverage of a", ".3f"),
    "coverage_b": ("coverage of b", ".3f"),
    "in_place": ("in place", ".3f"),
    "rmsd_angstrom": ("RMSD (Å)", ".2f"),
    "rmsd_superposed_angstrom": ("superposed (Å)", ".2f"),
    "confidence_a": ("confidence of a", ".1f"),
    "confidence_b": ("confidence of b", ".1f"),
    "correlation_a": ("a in map", ".3f"),
    "correlation_b": ("b in map", ".3f"),
}


def _cell(value: str | float | None, form: str) -> str:
    if isinstance(value, str):
        return markdown(shown(value))
    return "" if pd.isna(value) else format(value, form)


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"
