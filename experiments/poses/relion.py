"""RELION on images of what schemes measured, beside ``cryosense align`` on the same grid; see README.md. Writes relion.md."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import starfile
from analyse import FAR_DEG, errors, row
from omegaconf import DictConfig, OmegaConf
from run import cell_folder, cells
from schemes import measured
from shared import HERE, particles, slug, words_of

KEY = ["molecule", "snr", "seed", "particles", "scheme", "iteration"]
OURS = {"images": "align, these images", "measured": "align, as measured"}


def main() -> None:
    """Make what is not there yet of every cell, and put all that is there into a table."""
    study = OmegaConf.merge(OmegaConf.load(HERE / "study.yaml"), OmegaConf.from_cli())
    rows = [row for molecule, seed, snr in cells(study) for row in compared(study, molecule, seed, snr)]
    results = Path(study.results or HERE)
    table = with_former(pd.DataFrame(rows), results / "relion.csv")
    if len(table):
        table.to_csv(results / "relion.csv", index=False, float_format="%.4g")
        (results / "relion.md").write_text(markdown(table))
        sys.stdout.write(markdown(table))


def compared(study: DictConfig, molecule: str, seed: int, snr: float) -> list[dict[str, object]]:
    """-> a row for the first and the last of RELION's iterations on a cell's images of each scheme."""
    kind, count = study.molecules[molecule], study.relion.particles
    folder = cell_folder(study, molecule, snr, seed)
    data, found = particles(folder / "data", study, words_of(kind), snr, seed), []
    for name, source in study.relion.schemes.items():
        place = folder / f"relion_{count}" / slug(name)
        if study.only is None or name in study.only:
            print(f"{molecule}, SNR {snr}, seed {seed}, {count} particles: {name}", flush=True)
            make(study, kind.symmetry, place, [(data, folder, each) for each in (name, source)])
        poses = {which: place / which / "particles.star" for which in OURS if (place / which / "particles.star").is_file()}
        ours = {which: errors(path, data / "particles.star", kind.symmetry) for which, path in poses.items()}
        where = {"molecule": molecule, "snr": snr, "seed": seed, "particles": count, "scheme": name}
        for number in sorted({1, study.relion.iterations}):
            path = place / f"run_it{number:03d}_data.star"
            if path.is_file():
                theirs = errors(path, data / "particles.star", kind.symmetry)
                line = {**where, "iteration": number, **said("relion", row(theirs, theirs))}
                for which, each in ours.items():
                    line |= said(which, row(each, theirs))
                found.append(line)
    return found


def said(who: str, row: dict[str, object]) -> dict[str, object]:
    """-> what is kept of a row, under names of whose it is."""
    kept = ("median_deg", "low_deg", "high_deg", "within_20_deg", "ratio", "ratio_low", "ratio_high")
    return {f"{who}_{name}": row[name] for name in kept if who != "relion" or not name.startswith("ratio")}


def make(study: DictConfig, symmetry: str, place: Path, sources: list[tuple[Path, Path, str]]) -> None:
    """Run ``relion_refine`` and ``cryosense align`` on images of the first particles, and ``align`` on what was measured."""
    for which, (data, folder, name) in zip(OURS, sources, strict=True):
        scheme = measured(name, data, folder, study, symmetry)
        if scheme is None or (which == "measured" and name == sources[0][2]):
            continue
        few = first_of(scheme.data, study.relion.particles)
        words = [f"data.path={few}", f"symmetry={symmetry}", *study.relion.ours.split()]
        scheme.align(place / which, study, words)
        if which == "images":
            relion(few, place, study, symmetry)


def first_of(data: Path, count: int) -> Path:
    """-> a STAR file of the first particles, without their poses, beside their images."""
    path = data / f"first_{count}.star"
    if not path.is_file():
        blocks = starfile.read(data / "blind.star", always_dict=True)
        starfile.write({**blocks, "particles": blocks["particles"].head(count)}, path)
    return path


def relion(few: Path, directory: Path, study: DictConfig, symmetry: str) -> None:
    """``relion_refine`` from the same map at the same resolution."""
    last = directory / f"run_it{study.relion.iterations:03d}_data.star"
    if last.is_file() or shutil.which("relion_refine") is None:
        return
    directory.mkdir(parents=True, exist_ok=True)
    image = starfile.read(few, always_dict=True)["particles"]["rlnImageName"][0].split("@")[1]
    root = next(folder for folder in few.resolve().parents if (folder / image).is_file())  # where names of images start
    paths = {"--i": few.resolve(), "--ref": few.resolve().with_name("volume.mrc"), "--o": directory.resolve() / "run"}
    command = ["relion_refine", *(word for name, path in paths.items() for word in (name, str(path)))]
    command += ["--ini_high", str(study.resolution_angstrom), "--iter", str(study.relion.iterations), "--sym", symmetry]
    with (directory / "log.txt").open("w") as log:
        subprocess.run([*command, *study.relion.words.split()], cwd=root, stdout=log, stderr=log, check=True)


def with_former(table: pd.DataFrame, path: Path) -> pd.DataFrame:
    """-> these rows and those of a former table whose runs are no longer there."""
    if path.is_file():
        table = pd.concat([table, pd.read_csv(path)], ignore_index=True)
    if table.empty:
        return table
    return table.drop_duplicates(KEY).sort_values(KEY, ascending=[name not in ("molecule", "snr") for name in KEY])


def markdown(table: pd.DataFrame) -> str:
    """-> a table: degrees in the median with 95 % intervals, and the share within 20 degrees."""
    lines = [
        "| molecule | SNR | seed | particles | images | RELION's iteration | RELION: degrees (95 %), within "
        f"{FAR_DEG:.0f} | {' | '.join(f'{name}, over RELION (paired 95 %)' for name in OURS.values())} |",
        "| --- | --- | --- | ---: | --- | ---: | ---: | ---: | ---: |",
    ]
    for each in table.to_dict("records"):
        said = [text(each, "relion"), *(text(each, which) for which in OURS)]
        lines.append(f"| {' | '.join(str(each[name]) for name in KEY)} | {' | '.join(said)} |")
    return "\n".join(lines) + "\n"


def text(each: dict[str, float], who: str) -> str:
    """-> a cell of the table, empty if it was not run."""
    if np.isnan(each.get(f"{who}_median_deg", np.nan)):
        return ""
    median, low, high, within = (each[f"{who}_{name}"] for name in ("median_deg", "low_deg", "high_deg", "within_20_deg"))
    found = f"{median:.2f} ({low:.2f} to {high:.2f}), {within:.0%}"
    if who == "relion":
        return found
    return f"{found}; {each[f'{who}_ratio']:.2f} ({each[f'{who}_ratio_low']:.2f} to {each[f'{who}_ratio_high']:.2f})"


if __name__ == "__main__":
    main()
