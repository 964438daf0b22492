"""Poses from what each scheme measured of the same particles; see README.md."""

from __future__ import annotations

from pathlib import Path

from omegaconf import DictConfig, OmegaConf
from schemes import measured, names
from shared import HERE, particles, slug, words_of


def main() -> None:
    """Make what is not there yet of every cell."""
    study = OmegaConf.merge(OmegaConf.load(HERE / "study.yaml"), OmegaConf.from_cli())
    for molecule, seed, snr in cells(study):
        kind = study.molecules[molecule]
        folder = cell_folder(study, molecule, snr, seed)
        data = particles(folder / "data", study, words_of(kind), snr, seed)
        for name in names(study):
            if study.only is None or name in study.only:
                print(f"{molecule}, SNR {snr}, seed {seed}: {name}", flush=True)
                found = measured(name, data, folder, study, kind.symmetry)
                if found is not None:
                    found.align(folder / slug(name), study, [f"symmetry={kind.symmetry}"])


def cells(study: DictConfig) -> list[tuple[str, int, float]]:
    """-> molecule, seed and SNR of each cell, those of the first seed first."""
    molecules = [str(name) for name in study.molecules if study.molecule in (None, name)]
    return [(molecule, seed, snr) for seed in study.seeds for molecule in molecules for snr in study.snrs]


def cell_folder(study: DictConfig, molecule: str, snr: float, seed: int) -> Path:
    """-> where a cell's particles and poses are."""
    return Path(study.directory) / slug(molecule) / f"snr_{snr}_seed_{seed}"


if __name__ == "__main__":
    main()
