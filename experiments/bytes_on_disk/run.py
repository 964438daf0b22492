"""How many particles do so many bytes buy? Measures, back-projects and compares; prints the tables.

python experiments/bytes_on_disk/run.py [--data molecule groel] [--count 2000] [--seeds 0] [--first 12] [--results folder]

Goes on where it was stopped. Writes results_<data>.md and .csv, shells_<data>.csv and results.png beside this file, or into a
folder.
"""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from efficiency import Truth, efficiency_table, predicted_worth
from figure import draw
from intervals import curves, half_width, products, worth
from schemes import FLAT, Scheme, schemes
from tables import SHOWN, mean_rows, summary, table

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
        "design",
        "kind=masks",
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
            of_shells = efficiency_table(scheme.name, file, maps, reference, truth, last_shell)
            if len(of_shells):
                rows[-1] |= against_prediction(of_shells, products(maps, full), products(reference, full))
                shells.append(of_shells)
    made = pd.DataFrame(rows).set_index("scheme", drop=False)
    made["float16 particles for these bytes"] = made["bytes a particle"] / made.loc["float16, lossless", "bytes a particle"]
    return made, pd.concat(shells)


def against_prediction(of_shells: pd.DataFrame, made: torch.Tensor, crop: torch.Tensor) -> dict[str, float]:
    """-> what the quantiser's moments let expect of maps, times what leaving out shells costs alone, and what it misses by."""

    def expected(sums: torch.Tensor) -> float:
        return predicted_worth(of_shells, curves(sums[0])[1]) * worth(sums[1])

    both = torch.stack([made, crop], 1)
    missed = half_width(both, lambda sums: worth(sums[0]) - expected(sums))
    alone = worth(both.sum(0)[1])
    return {"same shells, not quantised": alone, "predicted": expected(both.sum(0)), "± of the difference": missed}


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
    equivalent = read_json(maps / "done.json")["equivalent_particles"]
    pixels = file.box_size**2
    return {
        "scheme": scheme.name,
        "bits a pixel": 8 * float(file.level_bytes.double().mean()) / pixels,
        "bytes a particle": file.bytes_per_particle,
        "times smaller": 4 * pixels / file.bytes_per_particle,
        "by the cross-FSC": equivalent["cross"] / count,
        "±": half_width(products(maps, full)),
        "same shells, not quantised": float("nan"),
        "predicted": float("nan"),
        "± of the difference": float("nan"),
        "by half maps": equivalent["half_maps"] / count,
        "resolution (Å)": resolution(maps),
    }


def resolution(maps: Path) -> float:
    """-> where the half maps' FSC, corrected for the mask, falls below 0.143."""
    read = pd.read_csv(maps / "resolution.csv")
    return float(read[(read["curve"] == "corrected") & (read["threshold"] == 0.143)]["resolution_angstrom"].iloc[0])


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


if __name__ == "__main__":
    main()
