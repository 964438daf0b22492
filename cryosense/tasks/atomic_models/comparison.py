"""Two atomic models: which chain is which, and how far apart their backbones are, residue by residue."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import torch
from torch import Tensor

from cryosense.biology.model_files import ModelFileError
from cryosense.biology.models import ALPHA_CARBON, ProteinModel
from cryosense.biology.pairing import ChainPair, MatchedAtoms, Pairing
from cryosense.biology.rmsd import Superposition, rmsd, superpose


@dataclass(frozen=True)
class Comparison:
    """What was found of models a and b.

    Attributes:
        a, b: the models.
        pairs: a row for each pair of chains of one sequence; ``same_place`` says which are also at one place.
        residues: a row for each matched residue of the chains at one place.
        summary: numbers for the whole models; NaN where there is nothing to compute them from.
    """

    a: ProteinModel
    b: ProteinModel
    pairs: pd.DataFrame
    residues: pd.DataFrame
    summary: dict[str, float]


@dataclass(frozen=True)
class ModelComparison:
    """How two models are compared.

    Attributes:
        pairing: how their chains are paired.
        same_frame: whether they are in one frame, as models built into maps of one box are; else the second is first brought
            to the first as a rigid body.
        within_angstrom: RMS distance of its backbone atoms below which a residue is in place.
    """

    pairing: Pairing
    same_frame: bool
    within_angstrom: float

    def compare(self, a: ProteinModel, b: ProteinModel) -> Comparison:
        """Compare two models. Raises ModelFileError if no chain of one is like any of the other."""
        pairs = self.pairing.by_sequence(a, b)
        if not pairs:
            raise ModelFileError(
                f"{b.path}: none of its {len(b.chains)} chains has the sequence of one of the {len(a.chains)} in {a.path} "
                f"(minimum_identity={self.pairing.minimum_identity:g}, "
                f"minimum_coverage={self.pairing.minimum_coverage:g}): these are other proteins"
            )
        atoms = MatchedAtoms.of(pairs, a, b)
        motion = Superposition.identity(1) if self.same_frame else self.pairing.into_frame(pairs, a, b)
        carbons = atoms.only(atoms.kind == ALPHA_CARBON)
        scores = self.pairing.place_scores(_moved(motion, carbons.b), carbons.a, carbons.pair, len(pairs))
        chosen = self.pairing.by_place(scores, pairs)
        at_one_place = [pairs[number] for number in chosen]
        own = MatchedAtoms.of(at_one_place, a, b)
        body = superpose(own.b, own.a, torch.zeros_like(own.pair), 1)
        motion = motion if self.same_frame else body
        table = _pair_table(pairs, a, b).assign(
            same_place=[number in chosen for number in range(len(pairs))],
            rmsd_angstrom=rmsd(_moved(motion, atoms.b), atoms.a, atoms.pair, len(pairs)).numpy(),
            rmsd_superposed_angstrom=_superposed(atoms, atoms.pair, len(pairs)).numpy(),
        )
        residues = _residue_table(at_one_place, a, b)
        residues = residues.assign(
            distance_angstrom=rmsd(_moved(motion, own.b), own.a, own.match, len(residues)).numpy(),
            distance_superposed_angstrom=_superposed(own, own.match, len(residues)).numpy(),
        )
        summary = _counts(a, b, table, residues) | {
            "within_angstrom": self.within_angstrom,
            "in_place_a": float((residues["distance_angstrom"] <= self.within_angstrom).sum() / a.residues),
            "rmsd_angstrom": _whole(_moved(motion, own.b), own.a),
            "rmsd_superposed_angstrom": _whole(_moved(body, own.b), own.a),
            "median_distance_angstrom": float(residues["distance_angstrom"].median()),
            "confidence_to_distance_a": _rank_correlation(residues["confidence_a"], residues["distance_angstrom"]),
            "confidence_to_distance_b": _rank_correlation(residues["confidence_b"], residues["distance_angstrom"]),
        }
        return Comparison(a, b, table, residues, summary)


def _moved(motion: Superposition, positions: Tensor) -> Tensor:
    """Return positions (t, 3), all moved by one motion."""
    return motion(positions, torch.zeros(len(positions), dtype=torch.int64))


def _superposed(atoms: MatchedAtoms, group: Tensor, groups: int) -> Tensor:
    """Return the RMSD (groups,) once each pair of chains is superposed by itself, given the group (t,) of each atom."""
    pairs = int(atoms.pair.max()) + 1
    return rmsd(superpose(atoms.b, atoms.a, atoms.pair, pairs)(atoms.b, atoms.pair), atoms.a, group, groups)


def _whole(moving: Tensor, fixed: Tensor) -> float:
    return float(rmsd(moving, fixed, torch.zeros(len(moving), dtype=torch.int64), 1))


def _pair_table(pairs: list[ChainPair], a: ProteinModel, b: ProteinModel) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "chain_a": [a.chains[pair.a].name for pair in pairs],
            "chain_b": [b.chains[pair.b].name for pair in pairs],
            "residues_a": [len(a.chains[pair.a]) for pair in pairs],
            "residues_b": [len(b.chains[pair.b]) for pair in pairs],
            "matched": [len(pair.alignment) for pair in pairs],
            "identity": [pair.alignment.identity for pair in pairs],
            "coverage_a": [pair.alignment.coverage_a for pair in pairs],
            "coverage_b": [pair.alignment.coverage_b for pair in pairs],
        }
    )


def _residue_table(pairs: list[ChainPair], a: ProteinModel, b: ProteinModel) -> pd.DataFrame:
    """Return chain, number, letter and confidence of each matched residue in both models, in the order of ``MatchedAtoms``."""
    rows = []
    for pair in pairs:
        one, other = a.chains[pair.a], b.chains[pair.b]
        for i, j in zip(pair.alignment.rows_a, pair.alignment.rows_b, strict=True):
            rows.append(
                {
                    **{"chain_a": one.name, "residue_a": one.numbers[i], "letter_a": one.letters[i]},
                    **{"chain_b": other.name, "residue_b": other.numbers[j], "letter_b": other.letters[j]},
                    **{"confidence_a": float(one.confidence[i]), "confidence_b": float(other.confidence[j])},
                }
            )
    return pd.DataFrame(rows)


def _counts(a: ProteinModel, b: ProteinModel, table: pd.DataFrame, residues: pd.DataFrame) -> dict[str, float]:
    return {
        "chains_a": len(a.chains),
        "chains_b": len(b.chains),
        "other_polymers_a": len(a.other_polymers),
        "other_polymers_b": len(b.other_polymers),
        "sequence_pairs": len(table),
        "paired_chains": int(table["same_place"].sum()),
        "residues_a": a.residues,
        "residues_b": b.residues,
        "matched_residues": len(residues),
        "completeness_a": len(residues) / a.residues,
        "completeness_b": len(residues) / b.residues,
    }


def _rank_correlation(one: pd.Series, other: pd.Series) -> float:
    """Return Spearman's correlation, NaN where one of the two is constant."""
    if one.nunique() < 2 or other.nunique() < 2:
        return float("nan")
    return float(one.rank().corr(other.rank()))
