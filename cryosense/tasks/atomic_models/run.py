"""Atomic models compared with each other, with a map, or both: from files to a directory of tables and a figure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from cryosense.biology.model_files import ModelFileError
from cryosense.biology.models import ProteinModel, read_model
from cryosense.files.tables import write_csv
from cryosense.files.writing import write_text
from cryosense.runs.record import Kind
from cryosense.tasks.atomic_models.comparison import Comparison, ModelComparison
from cryosense.tasks.atomic_models.in_map import KnownMap, ModelInMap
from cryosense.tasks.atomic_models.tables import chain_table, models_markdown

MODELS = Kind(results=("chains.csv", "models.md", "models.png"), optional=("pairs.csv", "residues.csv", "fsc_?.csv"))
# Below this share of sequence-matched residues at one place, two models are hardly in one frame.
FEW_IN_PLACE = 0.1


@dataclass(frozen=True)
class ModelsCompared:
    """What was found of one or two models: their names, a row for each chain, the comparison, and the fits to the map."""

    names: list[str]
    chains: pd.DataFrame
    found: Comparison | None
    in_map: dict[str, ModelInMap]
    warnings: list[str]

    @property
    def curves(self) -> dict[str, pd.DataFrame]:
        """FSC of the map to each model, by its letter."""
        return {name: fitted.curves for name, fitted in self.in_map.items()}

    def write(self, directory: Path) -> dict[str, object]:
        """Write the tables to a directory and return a summary.

        ``pairs.csv`` and ``residues.csv`` of two models, ``fsc_a.csv`` and ``fsc_b.csv`` in a map; ``chains.csv``,
        ``models.md``.
        """
        for name, table in self.curves.items():
            write_csv(directory / f"fsc_{name}.csv", table)
        if self.found is not None:
            write_csv(directory / "pairs.csv", self.found.pairs)
            write_csv(directory / "residues.csv", self.found.residues)
        write_csv(directory / "chains.csv", self.chains)
        numbers = {} if self.found is None else self.found.summary
        fits = {name: _crossings(fitted) for name, fitted in self.in_map.items()}
        in_words = [f"{name} in the map: {_in_words(fit)}." for name, fit in fits.items()]
        notes = [", ".join(self.names), *in_words, *self.warnings]
        write_text(directory / "models.md", models_markdown(self.chains, numbers, notes))
        summary = {name: None if math.isnan(number) else number for name, number in numbers.items()}
        return {**summary, "in_map": fits, "warnings": self.warnings}


@dataclass(frozen=True)
class ModelRun:
    """What is compared, and how.

    Attributes:
        models: one or two paths; the first is a, the second b.
        comparison: how the two are compared.
        known_map: the map that both should fit; needed if there is one model.
        most_chains: pairs of chains that the figure shows.
    """

    models: Sequence[str]
    comparison: ModelComparison
    known_map: KnownMap
    most_chains: int

    @property
    def files(self) -> list[str]:
        """All files that are read."""
        return [*self.models, *([] if self.known_map.path is None else [self.known_map.path])]

    def check(self) -> None:
        """Raise ModelFileError if there is nothing to compare."""
        if not 1 <= len(self.models) <= 2 or (len(self.models) == 1 and self.known_map.path is None):
            raise ModelFileError("give two atomic models, or one and the map that it should fit")

    def make(self) -> ModelsCompared:
        """Compare the models. Raises FileError for files that cannot be used, and for models of other proteins."""
        models = [read_model(path) for path in self.models]
        known = self.known_map.open()
        found = self.comparison.compare(*models) if len(models) == 2 else None
        in_map = {} if known is None else {name: known.assess(model.path) for name, model in zip("ab", models, strict=False)}
        names = [f"{name}: {model.path.name}" for name, model in zip("ab", models, strict=False)]
        table = _own_chains(models[0]) if found is None else chain_table(found, self.comparison.within_angstrom)
        for name, fitted in in_map.items():
            table[f"correlation_{name}"] = table[f"chain_{name}"].map(fitted.correlations)
        return ModelsCompared(names, table, found, in_map, self._warnings(found))

    def _warnings(self, found: Comparison | None) -> list[str]:
        if found is None:
            return []
        said = []
        scale = self.comparison.pairing.place_scale_angstrom
        if (found.residues["distance_angstrom"] <= scale).mean() < FEW_IN_PLACE and self.comparison.same_frame:
            said.append("hardly a residue of b lies where a has it: if the models are not in one frame, set same_frame=false")
        others = found.summary["other_polymers_a"] + found.summary["other_polymers_b"]
        if others:
            said.append(f"{others:g} chains are not protein and were left out")
        return said


def _own_chains(model: ProteinModel) -> pd.DataFrame:
    confidence = [float(chain.confidence.mean()) for chain in model.chains]
    names, lengths = [chain.name for chain in model.chains], [len(chain) for chain in model.chains]
    return pd.DataFrame({"chain_a": names, "residues_a": lengths, "confidence_a": confidence})


def _crossings(fitted: ModelInMap) -> dict[str, float | None]:
    """Return where the FSC of map and model falls below 0.5 (Rosenthal and Henderson 2003), in Angstrom; None if never."""
    rows = fitted.resolutions.query("threshold == 0.5")
    read = zip(rows["curve"], rows["resolution_angstrom"], strict=True)
    return {name: float(value) if math.isfinite(value) else None for name, value in read}


def _in_words(fit: dict[str, float | None]) -> str:
    read = [f"{name} {'none' if value is None else f'{value:.2f} Å'}" for name, value in fit.items()]
    return f"FSC 0.5 at {', '.join(read)}"
