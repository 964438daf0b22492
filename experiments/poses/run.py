"""Poses from what each scheme measured of the same particles, and RELION's on the uncompressed ones; see README.md."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from omegaconf import DictConfig, OmegaConf
from schemes import measured, names
from shared import HERE, particles, slug, words_of

RELION = "relion"  # among names of schemes


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
        for name in study.relion.schemes if study.only is None or RELION in study.only else ():
            found = measured(name, data, folder, study, kind.symmetry)
            if found is not None:
                relion(found.data, relion_folder(folder, name), study, kind.symmetry)


def cells(study: DictConfig) -> list[tuple[str, int, float]]:
    """-> molecule, seed and SNR of each cell, those of the first seed first."""
    molecules = [str(name) for name in study.molecules if study.molecule in (None, name)]
    return [(molecule, seed, snr) for seed in study.seeds for molecule in molecules for snr in study.snrs]


def cell_folder(study: DictConfig, molecule: str, snr: float, seed: int) -> Path:
    """-> where a cell's particles and poses are."""
    return Path(study.directory) / slug(molecule) / f"snr_{snr}_seed_{seed}"


def relion_folder(folder: Path, name: str) -> Path:
    """-> where RELION's poses of a scheme's images are."""
    return folder / RELION / slug(name)


def relion(data: Path, directory: Path, study: DictConfig, symmetry: str) -> None:
    """``relion_refine`` from the same map at the same resolution, on images."""
    last = directory / f"run_it{study.relion.iterations:03d}_data.star"
    if last.is_file() or shutil.which("relion_refine") is None:
        return
    directory.mkdir(parents=True, exist_ok=True)
    command = ["relion_refine", "--i", "blind.star", "--ref", "volume.mrc", "--o", str(directory.resolve() / "run")]
    command += ["--ini_high", str(study.resolution_angstrom), "--iter", str(study.relion.iterations)]
    command += ["--sym", symmetry]
    with (directory / "log.txt").open("w") as log:
        subprocess.run([*command, *study.relion.words.split()], cwd=data, stdout=log, stderr=log, check=True)


if __name__ == "__main__":
    main()
