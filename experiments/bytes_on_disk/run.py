"""How many particles do so many bytes buy? Measures, back-projects and compares; prints the tables.

python experiments/bytes_on_disk/run.py [--data molecule groel] [--count 2000] [--seeds 0] [--first 12] [--results folder]

Goes on where it was stopped. Writes results_<data>.md and .csv, shells_<data>.csv and results.png beside this file, or into a
folder.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
from efficiency import WEAK, Truth, efficiency_table, predicted_worth
from figure import draw
from intervals import curves, half_width, products
from schemes import FLAT, Scheme, schemes

from cryosense.cli.main import main as cryosense
from cryosense.files.limits import read_json
from cryosense.measurement.file import MeasurementFile

HERE = Path(__file__).parent
OUTPUT = Path("outputs/bytes_on_disk")
REFERENCE = Path(os.environ.get("CRYOSENSE_REFERENCE_DATA", "../shared/data"))
DATA = {
    "molecule": ("snr=0.05",),
    "groel": ("snr=0.05", "density=map", f"density.path={REFERENCE}/real/emd_1997_groel.map", "pixel_size_angstrom=3.2"),
}
MAPS = ("soft_mask=sphere", "soft_mask.radius_angstrom=80")


def run(*words: str) -> None:
    """One command line, in this process."""
    sys.argv = ["cryosense", *words]
    said = StringIO()
    try:
        with redirect_stderr(said):
            cryosense()
    except SystemExit as stop:
        if stop.code:
            raise RuntimeError(f"{' '.join(words)}: {stop.code}\n{said.getvalue()}") from stop


def compared(
    folder: Path, data: tuple[str, ...], count: int, seed: int, first: int | None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """-> a row for each scheme; efficiency by shell."""
    star = folder / "data" / "particles.star"
    run("simulate", f"output_dir={star.parent}", f"count={count}", f"seed={seed}", *data)
    full = folder / "uncompressed"
    run("backproject", f"data.path={star}", f"output_dir={full}", *MAPS)
    last_shell = resolved(full)
    run(
        "design-mask",
        f"pilot.path={full}",
        f"output_dir={folder}/design",
        f"particles={count}",
        "compression=3",
        "poses=known",
    )
    designed = (f"--config-dir={folder}/design", FLAT[0], "operator/masks=designed", FLAT[2], "compression=3")
    rows, shells, truth = [], [], Truth.of(star)
    for scheme in schemes(last_shell, designed)[:first]:
        path, maps = folder / f"{scheme.folder}.cryo.h5", folder / scheme.folder
        run("measure", *scheme.words, str(star), f"output={path}")
        run("backproject", f"data.path={path}", f"output_dir={maps}", f"cross_reference={full}", *MAPS)
        file = MeasurementFile.open(path)
        rows.append(row(scheme, file, maps, full, count))
        if "masks" not in scheme.name and "pixel" not in scheme.name:
            reference = same_shells(folder, star, full, file.quantiser.last_shell)
            of_shells = efficiency_table(scheme.name, file.quantiser, maps, reference, truth, last_shell)
            if len(of_shells):
                rows[-1]["predicted"] = predicted_worth(of_shells, curves(products(maps, full).sum(0))[1])
                shells.append(of_shells)
    made = pd.DataFrame(rows).set_index("scheme", drop=False)
    made["float16 particles for these bytes"] = made["bytes a particle"] / made.loc["float16, lossless", "bytes a particle"]
    return made, pd.concat(shells)


def same_shells(folder: Path, star: Path, full: Path, last_shell: int | None) -> Path:
    """-> maps of the particles as they are, of the shells up to the last that a scheme keeps, whose edge leaks into others."""
    if last_shell is None:
        return full
    path, maps = folder / f"inside_{last_shell}.cryo.h5", folder / f"inside_{last_shell}"
    run("measure", "quantiser=float32", f"quantiser.last_shell={last_shell}", str(star), f"output={path}")
    run("backproject", f"data.path={path}", f"output_dir={maps}", *MAPS)
    return maps


def resolved(maps: Path) -> int:
    """-> the last shell before the half maps' FSC falls below 0.143."""
    curve = pd.read_csv(maps / "fsc.csv")["unmasked"].to_numpy()
    below = np.flatnonzero(curve[1:] < 0.143)
    return int(below[0]) if len(below) else len(curve) - 1


def row(scheme: Scheme, file: MeasurementFile, maps: Path, full: Path, count: int) -> dict[str, object]:
    worth = read_json(maps / "done.json")["equivalent_particles"]
    pixels = file.box_size**2
    return {
        "scheme": scheme.name,
        "bits a pixel": 8 * float(file.level_bytes.double().mean()) / pixels,
        "bytes a particle": file.bytes_per_particle,
        "times smaller": 4 * pixels / file.bytes_per_particle,
        "by the cross-FSC": worth["cross"] / count,
        "±": half_width(products(maps, full)),
        "predicted": float("nan"),
        "by half maps": worth["half_maps"] / count,
        "resolution (Å)": resolution(maps),
    }


def resolution(maps: Path) -> float:
    """-> where the half maps' FSC, corrected for the mask, falls below 0.143."""
    read = pd.read_csv(maps / "resolution.csv")
    return float(read[(read["curve"] == "corrected") & (read["threshold"] == 0.143)]["resolution_angstrom"].iloc[0])


def table(rows: pd.DataFrame, formats: dict[str, Callable[[object], str]]) -> str:
    """-> Markdown."""
    cells = [[formats.get(name, str)(value) for name, value in line.items()] for _, line in rows.iterrows()]
    lines = [list(rows.columns), ["---"] * len(rows.columns), *cells]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


SHOWN = {
    "bits a pixel": "{:.3f}".format,
    "bytes a particle": "{:.0f}".format,
    "times smaller": "{:.1f}".format,
    "±": "{:.1%}".format,
    **dict.fromkeys(("by the cross-FSC", "by half maps", "float16 particles for these bytes"), "{:.1%}".format),
    "resolution (Å)": "{:.2f}".format,
    "predicted": lambda share: "" if share != share else f"{share:.1%}",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seeds", type=int, nargs="*", default=[0])
    parser.add_argument("--data", nargs="*", choices=list(DATA), default=list(DATA))
    parser.add_argument("--first", type=int, default=None, help="only so many of the schemes")
    parser.add_argument("--results", type=Path, default=HERE, help="folder that tables are written to")
    arguments = parser.parse_args()
    for name in arguments.data:
        count, first = arguments.count, arguments.first
        made = [compared(OUTPUT / f"{name}_{count}_{seed}", DATA[name], count, seed, first) for seed in arguments.seeds]
        rows, shells = mean_rows([rows for rows, _ in made]), pd.concat([each for _, each in made])
        shells.to_csv(arguments.results / f"shells_{name}.csv", index=False, float_format="%.4f")
        rows.to_csv(arguments.results / f"results_{name}.csv", index=False, float_format="%.5g")
        seeds = ", ".join(map(str, arguments.seeds))
        title = f"# {name}: {arguments.count} particles of 64 px, SNR 0.05, seed {seeds}"
        said = "\n\n".join([title, table(rows, SHOWN), summary(shells)])
        (arguments.results / f"results_{name}.md").write_text(said + "\n")
        print(said, flush=True)
    draw(arguments.results)


def mean_rows(of_seeds: list[pd.DataFrame]) -> pd.DataFrame:
    """-> means over seeds; the interval is that of the mean, and the range of several seeds stands beside it."""
    every = pd.concat(of_seeds, ignore_index=True)
    groups = every.groupby("scheme", sort=False)
    rows = groups.mean().reset_index()
    rows["±"] = groups["±"].agg(lambda each: float(np.sqrt((each**2).sum()) / len(each))).to_numpy()
    if len(of_seeds) > 1:
        worth = groups["by the cross-FSC"]
        ends = zip(worth.min(), worth.max(), strict=True)
        rows.insert(rows.columns.get_loc("±") + 1, "of the seeds", [f"{low:.1%} to {high:.1%}" for low, high in ends])
    return rows


def summary(shells: pd.DataFrame) -> str:
    """-> of each scheme, how far efficiency in its shells is from what was predicted."""
    lines = []
    for name, group in shells.groupby("scheme", sort=False):
        weak, miss = group[group["particle snr"] < WEAK], (group["measured"] - group["exact"]).abs()
        worst = group.loc[miss.idxmax()]
        lines.append(
            {
                "scheme": name,
                "eta": group["eta"].iloc[-1],
                "measured, weak shells": weak["measured"].mean(),
                "largest error of eta there": (weak["measured"] - weak["eta"]).abs().max(),
                "of the exact prediction, all shells": miss.max(),
                "in shell": int(worst["shell"]),
                "chance there": worst["chance"],
                "shells beyond 0.03 and twice chance": int(((miss > 0.03) & (miss > 2 * group["chance"])).sum()),
            }
        )
    frame = pd.DataFrame(lines)
    numbers = [name for name in frame.columns if frame[name].dtype.kind == "f"]
    return "Efficiency per shell (the added noise between maps of the same particles):\n\n" + table(
        frame, dict.fromkeys(numbers, "{:.3f}".format)
    )


if __name__ == "__main__":
    main()
