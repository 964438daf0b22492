"""The picture of the front page: bytes per particle against the resolution of the map. Run from the root of a checkout.

600 simulated particles of 64 px and 3.5 Å, one seed; each scheme is measured to a file, of which alone the map is made.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from cryosense.measurement.file import MeasurementFile

WORK = Path("outputs/front_page")
MASKS = "operator=fourier operator/masks=uniform operator.per_particle=true quantiser=float16 compression="
SCHEMES = {
    "float32": "quantiser=float32",
    "float16": "quantiser=float16",
    "masks, C = 2.5": f"{MASKS}2.5",
    "masks, C = 5": f"{MASKS}5",
    "3 bits": "quantiser=uniform quantiser.step=0.5",
    "1.4 bits": "quantiser=uniform quantiser.step=1.7",
    "sign": "quantiser=sign",
    "3 bits inside the resolution": "quantiser=uniform quantiser.step=0.5 quantiser.last_shell=24",
    "1.4 bits inside the resolution": "quantiser=uniform quantiser.step=1.7 quantiser.last_shell=24",
}
COLOURS = {"masks": "#D55E00", "inside": "#009E73", "": "#0072B2"}


def cryosense(*words: str) -> None:
    """The command; what is done already is skipped."""
    subprocess.run(["cryosense", *words], check=True, stdout=subprocess.DEVNULL)


def main() -> None:
    """Measure, back-project, print the table, draw."""
    stack = WORK / "data" / "particles.star"
    cryosense("simulate", f"output_dir={stack.parent}", "count=600", "seed=1")
    lines = []
    for name, words in SCHEMES.items():
        folder = WORK / name.replace(" ", "_").replace(",", "").replace("=", "")
        file = folder.with_suffix(".cryo.h5") if "." not in folder.name else folder.with_name(f"{folder.name}.cryo.h5")
        cryosense("measure", str(stack), f"output={file}", *words.split())
        cryosense("backproject", f"data.path={file}", f"output_dir={folder}")
        read = pd.read_csv(folder / "resolution.csv")
        line = read[(read["curve"] == "corrected") & (read["threshold"] == 0.143)].iloc[0]
        bytes_each = MeasurementFile.open(file).bytes_per_particle
        lines.append({"scheme": name, "bytes": bytes_each, "resolution_angstrom": line["resolution_angstrom"]})
    table = pd.DataFrame(lines)
    print(table.to_string(index=False))
    draw(table, Path(__file__).with_name("bytes.png"))


def draw(table: pd.DataFrame, path: Path) -> None:
    """A point for each scheme."""
    figure = Figure(figsize=(8.0, 3.8), dpi=110, layout="constrained")
    axes = figure.subplots()
    for line in table.to_dict("records"):
        colour = next(each for word, each in COLOURS.items() if word in line["scheme"])
        axes.plot(line["bytes"], line["resolution_angstrom"], "o", color=colour, markersize=7)
        axes.annotate(
            line["scheme"], (line["bytes"], line["resolution_angstrom"]), (6, 5), textcoords="offset points", fontsize=9
        )
    axes.set(
        xscale="log",
        xlabel="bytes per particle, poses and CTF included",
        ylabel="resolution of the map (Å), half maps at 0.143",
    )
    axes.invert_yaxis()
    axes.margins(x=0.18, y=0.15)
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path)


if __name__ == "__main__":
    main()
