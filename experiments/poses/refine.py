"""Gold-standard refinement of what schemes measured, poses unknown; see README.md. Writes refinement.csv and .md."""

from __future__ import annotations

import json
import re
import shlex
import sys
from pathlib import Path

import pandas as pd
from omegaconf import DictConfig, OmegaConf
from schemes import measured, names
from shared import HERE, particles, slug, words_of
from torch import Tensor

from cryosense.data.maps import read_map
from cryosense.metrics import fsc, resolution_angstrom
from cryosense.tasks.maps.references import crossed
from cryosense.tasks.poses.alignment import in_sphere

HALVES, TRUTH = 0.143, 0.5
KNOWN, KNOWN_POSES = 0, "known_poses"  # the iteration of, and the folder beside the runs' for maps with true poses
ORIGINAL = "original"
CELL = ["molecule", "seed", "particles", "snr"]


def main() -> None:
    """Refine what is not refined yet, and put all that is there into a table."""
    study = OmegaConf.merge(OmegaConf.load(HERE / "study.yaml"), OmegaConf.from_cli())
    wanted, rows = study.refinement, []
    for seed in study.seeds:
        for molecule in study.molecules:
            if study.molecule in (None, molecule):
                folder = Path(study.directory) / "refined" / slug(f"{molecule} {wanted.particles} {wanted.snr} {seed}")
                refine(study, molecule, seed, folder)
                where = {"molecule": molecule, "seed": seed, "particles": wanted.particles, "snr": wanted.snr}
                rows += [{**where, **row} for row in found(study, folder)]
    results = Path(study.results or HERE)
    table = with_former(pd.DataFrame(rows), results / "refinement.csv", study)
    if table.empty:
        return
    table.to_csv(results / "refinement.csv", index=False, float_format="%.5g")
    text = markdown(table, study)
    (results / "refinement.md").write_text(text)
    sys.stdout.write(text)


def refine(study: DictConfig, molecule: str, seed: int, folder: Path) -> None:
    """Refine a molecule's particles by each scheme, and make maps of the same with the true poses."""
    wanted, kind = study.refinement, study.molecules[molecule]
    cell = OmegaConf.merge(study, {"particles": wanted.particles, "resolution_angstrom": wanted.resolution_angstrom})
    data = particles(folder / "data", cell, words_of(kind), wanted.snr, seed)
    for name in wanted.schemes:
        if study.only is not None and name not in study.only:
            continue
        print(f"{molecule}, seed {seed}: {name}", flush=True)
        scheme = measured(name, data, folder, cell, kind.symmetry)
        if scheme is not None:
            scheme.with_known_poses(folder / KNOWN_POSES / slug(name), cell, kind.symmetry)
            words = [f"symmetry={kind.symmetry}", f"iterations={wanted.iterations}", *shlex.split(wanted.words)]
            scheme.align(folder / slug(name), cell, words)


def found(study: DictConfig, folder: Path) -> list[dict[str, object]]:
    """-> a row for each scheme and iteration that is there."""
    rows = []
    for name in names(study):
        for number, halves in maps(folder, name).items():
            whole = read_map(folder / "data" / "volume.mrc")
            original = maps(folder, ORIGINAL)
            before = [each for each in original if (each == KNOWN) == (number == KNOWN) and each <= number]
            same = read_halves(original[before[-1]]) if before else None
            row = judged(halves, same, in_sphere(whole.values.float()), whole.voxel_angstrom[0])
            rows.append({"scheme": name, "iteration": number, "turned_deg": turned(halves), **row})
    return rows


def maps(folder: Path, name: str) -> dict[int, Path]:
    """-> the folders of a scheme's half maps by iteration."""
    known = folder / KNOWN_POSES / slug(name)
    done = sorted((folder / slug(name)).glob("iterations/iteration_*/iteration.json"))
    made = {int(path.parent.name.split("_")[1]): path.parent for path in done}
    return ({KNOWN: known} if (known / "done.json").is_file() else {}) | made


def turned(folder: Path) -> float | None:
    """-> by how much an iteration turned its poses in the median, degrees."""
    path = folder / "iteration.json"
    return json.loads(path.read_text())["median_turn_deg"] if path.is_file() else None


def read_halves(folder: Path) -> tuple[Tensor, Tensor]:
    """-> two half maps, within a sphere that touches the box."""
    first, second = (in_sphere(read_map(folder / f"half{number}.mrc").values.float()) for number in (1, 2))
    return first, second


def judged(folder: Path, original: tuple[Tensor, Tensor] | None, truth: Tensor, size: float) -> dict[str, float | None]:
    """-> the resolutions of the half maps and of their mean against the truth, in Angstrom and shells, and what share of the
    originals their maps are worth by the cross-FSC.
    """
    first, second = read_halves(folder)
    row: dict[str, float | None] = {}
    curves = {"halves": (fsc(first, second), HALVES), "truth": (fsc((first + second) / 2, truth), TRUTH)}
    for name, (curve, threshold) in curves.items():
        reached = resolution_angstrom(curve, size, len(truth), threshold)
        row |= {f"{name}_angstrom": reached, f"{name}_shell": size * len(truth) / reached}
    return row | {"equivalent": None if original is None else crossed((first, second), original, 1)[1]["cross"]}


def with_former(table: pd.DataFrame, path: Path, study: DictConfig) -> pd.DataFrame:
    """-> these rows and those of a former table whose runs are no longer there, in the order of the study."""
    if path.is_file():
        former = pd.read_csv(path)
        if len(table):
            here = set(table[[*CELL, "scheme"]].itertuples(index=False, name=None))
            former = former[[each not in here for each in former[[*CELL, "scheme"]].itertuples(index=False, name=None)]]
        table = pd.concat([table, former], ignore_index=True)
    if table.empty:
        return table
    ranks = {name: number for number, name in enumerate((*study.molecules, *names(study)))}
    order = ["particles", "snr", "molecule", "seed", "scheme", "iteration"]
    return table.sort_values(order, key=lambda column: column.map(ranks) if column.name in ("molecule", "scheme") else column)


def markdown(table: pd.DataFrame, study: DictConfig) -> str:
    """-> the last iteration of each scheme, beside that of the uncompressed particles, and beside maps with the true poses."""
    table, lines = capped(table, study), []
    for (count, snr), some in table.groupby(["particles", "snr"]):
        start = study.refinement.resolution_angstrom
        lines += [
            f"{count} particles, SNR {snr}; poses unknown, reference: the true map at {start} Å. Shells of a box of 64. "
            "Behind: shells less than the originals' maps of as many iterations, half maps and truth; worth: of as many of "
            "the originals, by the cross-FSC. Of each, in brackets: with the true poses.",
            "",
            f"| molecule | seed | scheme | iterations | half maps, {HALVES}: shell (Å) | to the truth, {TRUTH}: shell (Å) "
            "| behind the originals, shells | worth |",
            "| --- | --- | --- | ---: | ---: | ---: | ---: | ---: |",
        ]
        lines += [line_of(each, some) for _, each in some.groupby([*CELL, "scheme"], sort=False)]
        lines.append("")
    return "\n".join(lines[:-1]) + "\n"


def capped(table: pd.DataFrame, study: DictConfig) -> pd.DataFrame:
    """-> the same with shells up to the first in which a scheme measured nothing: what both halves have there has leaked."""
    table = table.copy()
    last = table.scheme.map({name: re.search(r"last_shell=(\d+)", words) for name, words in study.schemes.items()})
    for row, found in last.dropna().items():
        for name in ("halves", "truth"):
            shell = min(table.loc[row, f"{name}_shell"], int(found[1]) + 1)
            table.loc[row, f"{name}_angstrom"] *= table.loc[row, f"{name}_shell"] / shell
            table.loc[row, f"{name}_shell"] = shell
    return table


def line_of(rows: pd.DataFrame, table: pd.DataFrame) -> str:
    """-> a line of the table of one scheme's iterations ``rows``."""
    each = rows.iloc[-1]
    originals = table[(table.molecule == each.molecule) & (table.seed == each.seed) & (table.scheme == ORIGINAL)]
    cells = [each.molecule, each.seed, each.scheme, each.iteration]
    cells += [f"{each[f'{name}_shell']:.1f} ({each[f'{name}_angstrom']:.2f})" for name in ("halves", "truth")]
    behind, worth = compared(each, originals[originals.iteration.between(1, each.iteration)])
    known = rows[rows.iteration == KNOWN]
    if len(known):
        of_known = compared(known.iloc[0], originals[originals.iteration == KNOWN])
        behind, worth = f"{behind} ({of_known[0]})", f"{worth} ({of_known[1]})"
    return f"| {' | '.join(str(cell) for cell in [*cells, behind, worth])} |"


def compared(each: pd.Series, originals: pd.DataFrame) -> tuple[str, str]:
    """-> shells behind the last of the originals' rows, by half maps and to the truth, and what the maps are worth."""
    worth = "" if pd.isna(each.equivalent) else f"{each.equivalent:.0%}"
    if not len(originals):
        return "", worth
    return ", ".join(f"{originals.iloc[-1][name] - each[name]:.1f}" for name in ("halves_shell", "truth_shell")), worth


if __name__ == "__main__":
    main()
