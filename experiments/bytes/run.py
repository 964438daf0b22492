"""Schemes measured, decoded and back-projected with known poses, beside what `cryosense advise` predicts; see README.md.

Goes on where it was stopped: a scheme that is in the table of its cell (molecule, SNR, seed) is not measured again.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Collection, Iterator
from pathlib import Path

from growing import SHELLS, UNCOMPRESSED, checked, completed, missing
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf
from trials import FLOAT16, SCHEMES, Cell, processor_seconds

from cryosense.cli.conf_dir import conf_dir
from cryosense.cli.simulate import simulate
from cryosense.measurement import PixelDesign

HERE, TABLE, POSES_TABLE = Path(__file__).parent, "table.csv", "poses.csv"
sys.path.append(str(HERE.parent / "poses"))
from shared import words_of  # noqa: E402 - of the other study

WITHOUT_PREDICTION = PixelDesign  # what is left through masks of pixels depends on the spectrum of all that is not kept


def settings() -> DictConfig:
    """-> study.yaml and the words of the command line."""
    return OmegaConf.merge(OmegaConf.load(HERE / "study.yaml"), OmegaConf.from_cli())


def cells(study: DictConfig) -> list[tuple[str, float, int]]:
    """-> molecule, SNR and seed of each cell, those of the first seed first."""
    return [
        (str(name), snr, seed)
        for seed in study.seeds
        for snr in study.snrs
        for name, kind in study.molecules.items()
        if study.only in (None, []) or name in study.only
        if snr in kind.get("snrs", study.snrs)
    ]


def folder_of(study: DictConfig, molecule: str, snr: float, seed: int) -> Path:
    """-> where a cell's tables are."""
    name = "".join(c if c.isalnum() else "_" for c in molecule)
    return Path(study.directory) / f"{name}_{study.particles}_{snr:g}_{seed}"


def composed(verb: str, words: list[str]) -> DictConfig:
    """-> the config of a command."""
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        return compose(verb, overrides=words)


def particles(folder: Path, study: DictConfig, molecule: str, snr: float, seed: int) -> Path:
    """-> the STAR file of simulated particles, made unless they are there."""
    if (folder / "data" / "done.json").exists():  # by whatever code
        return folder / "data" / "particles.star"
    words = [f"output_dir={folder / 'data'}", f"count={study.particles}", f"snr={snr}", f"seed={seed}"]
    simulate(composed("simulate", [*words, *words_of(study.molecules[molecule])]))
    return folder / "data" / "particles.star"


def wanted(study: DictConfig) -> list[str]:
    """-> names of the rows of a cell."""
    chosen = checked(SCHEMES if study.schemes is None else study.schemes, SCHEMES)
    return [UNCOMPRESSED, *chosen, *map(fewer_name, study.fewer)]


def fewer_name(share: float) -> str:
    """-> what is said of so large a share of the particles, as they are."""
    return f"{share:.0%} of the particles"


def rows(cell: Cell, study: DictConfig, names: Collection[str]) -> Iterator[dict[str, object]]:
    """-> one for each scheme that is named, and for fewer particles as they are."""
    whole = cell.judged((*cell.uncompressed, sum(cell.uncompressed) / 2))
    yield {"scheme": UNCOMPRESSED, "equivalent_measured": 1.0} | {shell: whole[shell] for shell in SHELLS}
    fewer = [share for share in study.fewer if fewer_name(share) in names]
    path = cell.scratch / "trial.cryo.h5"
    for name, expected in cell.ladder(names).items():
        began = processor_seconds()
        size = cell.measured(expected, path)
        found = cell.judged(cell.of_file(path))
        foreseen = cell.expected_of(expected)
        if isinstance(expected.scheme.design, WITHOUT_PREDICTION):
            foreseen = {"bytes_expected": expected.bytes}
        row = {"scheme": name, "quantiser": expected.scheme.name, "last_shell": expected.scheme.quantiser.last_shell}
        yield row | {"bytes_measured": size} | found | foreseen | {"processor_seconds": processor_seconds() - began}
    for share in fewer:
        size = share * cell.measured(cell.ladder([FLOAT16])[FLOAT16], path)
        foreseen = {"bytes_expected": size, "equivalent_expected": share}
        yield {"scheme": fewer_name(share), "bytes_measured": size} | cell.judged(cell.of_fewer(share)) | foreseen
    path.unlink(missing_ok=True)


def main() -> None:
    """Make the rows that are not there yet."""
    study, began = settings(), time.monotonic()
    for molecule, snr, seed in cells(study):
        folder = folder_of(study, molecule, snr, seed)
        names = missing(wanted(study), folder / TABLE)
        if not names:
            continue
        if study.minutes is not None and time.monotonic() - began > 60 * study.minutes:
            break
        folder.mkdir(parents=True, exist_ok=True)
        cell = Cell.of(particles(folder, study, molecule, snr, seed), study, study.molecules[molecule].symmetry)
        about = {"molecule": molecule, "snr": snr, "seed": seed, "box_size": cell.truth.shape[-1]}
        completed(folder / TABLE, rows(cell, study, names), about)


if __name__ == "__main__":
    main()
