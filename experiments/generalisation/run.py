"""Every method on molecules that no training has seen; see README.md. What has its table is not scored again."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import torch
from methods import design, methods, version
from molecules import Molecule, half_and_half, molecules, scaled, seeds_of, stacked_scale
from omegaconf import DictConfig, OmegaConf

from cryosense.measurement import Measurement
from cryosense.metrics import correlation, frc, psnr

HERE = Path(__file__).parent
SHELLS = {"frc quarter": 1 / 4, "frc half": 1 / 2}  # of Nyquist


class Cell(NamedTuple):
    """SNR, whether noise is coloured, and family of masks."""

    snr: float
    coloured: bool
    family: str

    @property
    def folder(self) -> str:
        return f"{self.family}_{self.snr:g}" + ("_coloured" if self.coloured else "")


def settings() -> DictConfig:
    """-> study.yaml and the words of the command line."""
    return OmegaConf.merge(OmegaConf.load(HERE / "study.yaml"), OmegaConf.from_cli())


def cells(study: DictConfig) -> list[Cell]:
    """-> all cells, the one that is named as the first before the others."""
    white = itertools.starmap(Cell, itertools.product(study.snr, [False], study.operators))
    coloured = itertools.starmap(Cell, itertools.product(study.coloured_snr, [True], study.operators))
    return sorted([*white, *coloured], key=lambda cell: cell != Cell(*study.first))


@torch.no_grad()
def scored(molecule: Molecule, study: DictConfig, cell: Cell, method: str) -> pd.DataFrame:
    """-> PSNR, correlation and FRC to the clean image of each particle, of one method in one cell."""
    count = study.held_back + study.particles
    made = molecule.particles(count, cell.snr, coloured=cell.coloured, box_size=study.box_size)
    known, asked = half_and_half(scaled(made, *stacked_scale(made.images)), study.held_back)
    domain, compression, own = study.operators[cell.family]
    drawn = design(cell.family, domain, compression, own, seeds_of(molecule, cell.snr, cell.coloured))
    operator = drawn.operator(study.box_size, torch.arange(study.particles))
    x = methods(study)[method](known)(Measurement(operator(asked.images), operator).seen_through(asked.ctf))
    curves = frc(x, asked.clean)
    rows = {
        "molecule": molecule.name,
        "fold": molecule.fold,
        "form": molecule.form,
        "pixel_angstrom": molecule.pixel_angstrom,
        "fill": round(molecule.diameter_angstrom / (study.box_size * molecule.pixel_angstrom), 2),
        "snr": cell.snr,
        "coloured": cell.coloured,
        "operator": cell.family,
        "method": method,
        "version": version(study, method),
        "particle": range(study.particles),
        "psnr": psnr(x, asked.clean),
        "correlation": correlation(x, asked.clean),
    }
    shells = {name: curves[:, round(share * study.box_size / 2)] for name, share in SHELLS.items()}
    return pd.DataFrame(rows | shells)


def tables_of(molecule: Molecule, study: DictConfig, cell: Cell) -> list[pd.DataFrame]:
    """-> the tables of all methods, scored now where there is none yet, or one of another learned model."""
    return [_table(molecule, study, cell, method) for method in study.methods]


def _table(molecule: Molecule, study: DictConfig, cell: Cell, method: str) -> pd.DataFrame:
    path = Path(study.output_dir) / cell.folder / molecule.name / f"{method}.csv"
    if path.is_file():
        known = pd.read_csv(path, dtype={"version": str}, keep_default_na=False)
        if len(known) and (known["version"] == version(study, method)).all():
            return known
    began = time.process_time()
    rows = scored(molecule, study, cell, method)
    path.parent.mkdir(parents=True, exist_ok=True)
    rows.to_csv(path.with_suffix(".unfinished"), index=False)
    path.with_suffix(".unfinished").rename(path)
    spent = time.process_time() - began
    print(
        f"{cell.folder}, {molecule.name} ({molecule.form}), {method}: {rows['psnr'].mean():.2f} dB ({spent:.1f} s)", flush=True
    )
    return rows


def all_tables(found: Sequence[Molecule], study: DictConfig, cell: Cell) -> pd.DataFrame:
    """-> the tables of all molecules in one cell, made where they are missing."""
    return pd.concat([table for molecule in found for table in tables_of(molecule, study, cell)], ignore_index=True)


def main() -> None:
    """Run the study."""
    study = settings()
    found = list(molecules(study))
    for cell in cells(study):
        all_tables(found, study, cell)


if __name__ == "__main__":
    main()
