"""Errors of the poses that run.py found; see README.md. Writes results.csv, results.md and errors.png."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import starfile
import torch
from matplotlib.figure import Figure
from omegaconf import DictConfig, OmegaConf
from run import cell_folder, cells
from schemes import names
from shared import HERE, POSES, slug

from cryosense.alignment import angles_between_deg, grids
from cryosense.volumes.poses import rotation_matrices
from cryosense.volumes.symmetry import point_group

REPLICATES, FAR_DEG = 2000, 20.0
GRID_ORDER = 3  # 7.5 degrees, on which RELION's poses are
ALL = "all"  # seeds of a cell that are there, their particles together
Errors = tuple[np.ndarray, np.ndarray]


def main() -> None:
    """Read every cell that is there."""
    study = OmegaConf.merge(OmegaConf.load(HERE / "study.yaml"), OmegaConf.from_cli())
    results = Path(study.results or HERE)
    rows, drawn, refusals = [], {}, []
    every: dict[tuple[str, float], list[dict[str, list[Errors]]]] = {}
    for molecule, seed, snr in cells(study):
        folder = cell_folder(study, molecule, snr, seed)
        truth, symmetry = folder / "data" / "particles.star", study.molecules[molecule].symmetry
        named = schemes(study, folder)
        if "original" not in dict(named):
            continue
        both = {name: [errors(path, truth, symmetry, order) for order in (None, GRID_ORDER)] for name, path in named}
        rows += rows_of({"molecule": molecule, "snr": snr, "seed": seed}, both)
        every.setdefault((molecule, snr), []).append(both)
        if seed == study.seeds[0]:
            drawn[f"{molecule}, SNR {snr}"] = {name: found[0] for name, (found, _) in both.items()}
        for path in sorted(folder.glob("*.refused")):
            refusals.append(f"{molecule}, SNR {snr}, seed {seed}, {path.stem.replace('_', ' ')}: {path.read_text().strip()}")
    for (molecule, snr), several in every.items():
        rows += rows_of({"molecule": molecule, "snr": snr, "seed": ALL}, *several) if len(several) > 1 else []
    table = with_former(pd.DataFrame(rows), results / "results.csv", study)
    table.to_csv(results / "results.csv", index=False, float_format="%.4g")
    text = markdown(table) + "".join(f"\n- Refused: {refusal}" for refusal in refusals) + "\n"
    (results / "results.md").write_text(text)
    draw(results / "errors.png", drawn)
    sys.stdout.write(text)


def rows_of(where: dict[str, object], *seeds: dict[str, list[Errors]]) -> list[dict[str, object]]:
    """-> a row for each scheme that all seeds have, of their particles together."""
    rows = []
    for name in [name for name in seeds[0] if all(name in both for both in seeds)]:
        pairs = [[together(*(both[each][which] for both in seeds)) for each in (name, "original")] for which in (0, 1)]
        on_grid = row(*pairs[1])
        kept = {f"grid_{key}": on_grid[key] for key in ("median_deg", "ratio", "ratio_low", "ratio_high")}
        rows.append({**where, "scheme": name} | row(*pairs[0]) | kept)
    return rows


def together(*several: Errors) -> Errors:
    """-> errors of the particles of several seeds."""
    angles, shifts = (np.concatenate(each) for each in zip(*several, strict=True))
    return angles, shifts


def with_former(table: pd.DataFrame, path: Path, study: DictConfig) -> pd.DataFrame:
    """-> these rows and those of a former table whose runs are no longer there, in the order of the study."""
    if path.is_file():
        table = pd.concat([table, pd.read_csv(path)]).astype({"seed": str})
        table = table.drop_duplicates(["molecule", "snr", "seed", "scheme"])
    ranks = {name: number for number, name in enumerate((*study.molecules, *names(study)))}
    places = pd.DataFrame(
        {
            "seed": pd.to_numeric(table["seed"], errors="coerce").fillna(np.inf),
            "molecule": table["molecule"].map(ranks),
            "snr": -table["snr"],
            "scheme": table["scheme"].map(ranks).fillna(len(ranks)),
        }
    )
    order = places.reset_index(drop=True).sort_values(list(places), kind="stable").index
    return table.iloc[order]


def schemes(study: DictConfig, folder: Path) -> list[tuple[str, Path]]:
    """-> name and poses of each scheme that is there."""
    named = [(name, folder / slug(name) / "particles.star") for name in names(study)]
    return [(name, path) for name, path in named if path.is_file()]


def errors(found: Path, truth: Path, symmetry: str, order: int | None = None) -> Errors:
    """-> (n,) degrees, to the nearest of equivalent poses, and Angstrom to the truth; of the grid of an order, if given."""
    tables = [pose_table(path) for path in (found, truth)]
    tables[1] = tables[1][tables[1]["image"].isin(tables[0]["image"])]
    one, other = (rotation_matrices(torch.tensor(table[POSES[:3]].to_numpy(dtype=float))) for table in tables)
    if order is not None:
        cells = torch.arange(grids.rotation_count(order))
        every = grids.rotations(order, cells // grids.turn_count(order), cells % grids.turn_count(order))
        one = every[(one.flatten(1) @ every.flatten(1).T).argmax(1)]
    shift = np.linalg.norm(tables[0][POSES[3:]].to_numpy(float) - tables[1][POSES[3:]].to_numpy(float), axis=1)
    return angles_between_deg(one, other, point_group(symmetry)).numpy(), shift


def pose_table(path: Path) -> pd.DataFrame:
    """-> the particles in the order of their images."""
    table = starfile.read(path, always_dict=True)["particles"]
    return table.assign(image=table["rlnImageName"].str.split("@").str[0].astype(int)).sort_values("image")


def row(found: Errors, original: Errors) -> dict[str, object]:
    """-> medians, share of far ones, and the ratio of medians to the originals' over particles drawn in pairs."""
    angles, shifts = found
    drawn = np.random.default_rng(0).integers(len(angles), size=(REPLICATES, len(angles)))
    medians, of_original = np.median(angles[drawn], axis=1), np.median(original[0][drawn], axis=1)
    low, high = np.quantile(medians, [0.025, 0.975])
    ratio_low, ratio_high = np.quantile(medians / of_original, [0.025, 0.975])
    return {
        "particles": len(angles),
        "median_deg": np.median(angles),
        "low_deg": low,
        "high_deg": high,
        "ratio": np.median(angles) / np.median(original[0]),
        "ratio_low": ratio_low,
        "ratio_high": ratio_high,
        "within_20_deg": np.mean(angles < FAR_DEG),
        "median_shift_angstrom": np.median(shifts),
    }


def markdown(table: pd.DataFrame) -> str:
    """-> a table for the README."""
    lines = [
        "| molecule | SNR | seed | scheme | median (95 %) | over the originals' (paired 95 %) | same on a 7.5 degree grid "
        "| within 20 degrees | shift |",
        "| --- | --- | --- | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for each in table.itertuples():
        lines.append(
            f"| {each.molecule} | {each.snr} | {each.seed} | {each.scheme} "
            f"| {each.median_deg:.2f} ({each.low_deg:.2f} to {each.high_deg:.2f}) "
            f"| {each.ratio:.2f} ({each.ratio_low:.2f} to {each.ratio_high:.2f}) "
            f"| {each.grid_median_deg:.2f}, {each.grid_ratio:.2f} ({each.grid_ratio_low:.2f} to {each.grid_ratio_high:.2f}) "
            f"| {each.within_20_deg:.1%} "
            f"| {each.median_shift_angstrom:.2f} Å |"
        )
    return "\n".join(lines) + "\n"


def draw(path: Path, drawn: dict[str, dict[str, np.ndarray]]) -> None:
    """Write the distribution of errors of every scheme, a panel for each molecule and SNR."""
    named = list(dict.fromkeys(name for found in drawn.values() for name in found))
    panels = [cell for cell, found in drawn.items() if found]
    figure = Figure(figsize=(12.0, 4.5 * -(-len(panels) // 2)), layout="constrained")
    every = list(figure.subplots(-(-len(panels) // 2), 2, sharey=True, squeeze=False).flat)
    for axes in every[len(panels) :]:
        axes.remove()
    for axes, cell in zip(every, panels, strict=False):
        for name, angles in drawn[cell].items():
            number = named.index(name)
            style = "-:"[min(number // 10, 1)]  # colours come again after ten
            shares = np.arange(1, len(angles) + 1) / len(angles)
            axes.plot(np.sort(angles), shares, style, color=f"C{number % 10}", label=name)
        axes.set(xscale="log", xlim=(0.1, 180), ylim=(0, 1), xlabel="angle to the true pose (degrees)", title=cell)
        axes.axvline(FAR_DEG, color="black", linewidth=0.6)
        axes.grid(alpha=0.3)
        axes.set_ylabel("share of particles below")
        axes.legend(fontsize=7, loc="lower right")
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
