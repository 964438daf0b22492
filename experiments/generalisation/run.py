"""Every method on molecules that no training has seen; see README.md. What has its table is not scored again."""

from __future__ import annotations

import itertools
from pathlib import Path

import pandas as pd
import torch
from methods import design, methods
from molecules import Molecule, half_and_half, molecules, scaled, seeds_of, stacked_scale
from omegaconf import DictConfig, OmegaConf

from cryosense.measurement import Measurement
from cryosense.metrics import correlation, psnr

HERE = Path(__file__).parent


def settings() -> DictConfig:
    """-> study.yaml and the words of the command line."""
    return OmegaConf.merge(OmegaConf.load(HERE / "study.yaml"), OmegaConf.from_cli())


def cells(study: DictConfig) -> list[tuple[float, bool, str]]:
    """-> SNR, whether noise is coloured, and family of masks."""
    white = itertools.product(study.snr, [False], study.operators)
    coloured = itertools.product(study.coloured_snr, [True], study.operators)
    return [*white, *coloured]


@torch.no_grad()
def scored(molecule: Molecule, study: DictConfig, method: str) -> pd.DataFrame:
    """-> PSNR and correlation to the clean image of each particle, by SNR, noise and operator, of one method."""
    rows = []
    for snr, coloured, family in cells(study):
        count = study.held_back + study.particles
        made = molecule.particles(count, snr, coloured=coloured, box_size=study.box_size)
        known, asked = half_and_half(scaled(made, *stacked_scale(made.images)), study.held_back)
        domain, compression, own = study.operators[family]
        drawn = design(family, domain, compression, own, seeds_of(molecule, snr, coloured))
        operator = drawn.operator(study.box_size, torch.arange(study.particles))
        x = methods(study.models)[method](known)(Measurement(operator(asked.images), operator).seen_through(asked.ctf))
        scores = {"psnr": psnr(x, asked.clean).tolist(), "correlation": correlation(x, asked.clean).tolist()}
        cell = {"snr": snr, "coloured": coloured, "operator": family, "method": method, "particle": range(study.particles)}
        rows.append(pd.DataFrame(cell | scores))
    about = {
        "molecule": molecule.name,
        "fold": molecule.fold,
        "form": molecule.form,
        "pixel_angstrom": molecule.pixel_angstrom,
    }
    return pd.concat(rows, ignore_index=True).assign(**about)


def main() -> None:
    """Run the study."""
    study = settings()
    for molecule in molecules(study):
        for name in study.methods or methods(study.models):
            table = Path(study.output_dir) / molecule.name / f"{name}.csv"
            if table.is_file():
                continue
            rows = scored(molecule, study, name)
            table.parent.mkdir(parents=True, exist_ok=True)
            rows.to_csv(table.with_suffix(".unfinished"), index=False)
            table.with_suffix(".unfinished").rename(table)
            print(f"{molecule.name} ({molecule.form}), {name}: {rows['psnr'].mean():.2f} dB", flush=True)


if __name__ == "__main__":
    main()
