"""How far ahead of Wiener is the learned solver as molecules fill the frame, and what of GroEL's map matters? See README.md.

Writes fill.csv, fill.md and fill.png beside this file, or into the folder of ``results``. The first cell of study.yaml.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
from analyse import WIENER, interval, markdown
from groel import Made, rendered, versions
from matplotlib.figure import Figure
from methods import LEARNED
from molecules import BUILT_IN, GROEL, Molecule, groel_map, molecules, pixel_at
from omegaconf import DictConfig
from run import HERE, Cell, all_tables, settings

from cryosense.reporting.style import BLUE, ORANGE, VERMILION

RENDERED = f"{GROEL}, rendered"
MARGIN_ANGSTROM = 18.0  # that a rendered molecule needs beside its diameter
OUTSIDE = 1.06  # of fills that are asked for: what a pixel size makes of them is near


def at_fills(study: DictConfig) -> Iterator[Molecule]:
    """-> molecules at each fill that they can have, in names that tell which."""
    for known in molecules(study):
        if known.name == BUILT_IN:
            continue
        forms = {known.name: known.density} | ({RENDERED: Made(rendered)} if known.name == GROEL else {})
        for name, density in forms.items():
            for fill in study.fills:
                pixel = pixel_at(fill, known.diameter_angstrom, study.box_size)
                side = study.box_size * pixel
                reached = known.diameter_angstrom / side
                if fill / OUTSIDE < reached < fill * OUTSIDE and known.diameter_angstrom + MARGIN_ANGSTROM <= side:
                    yield replace(known, name=f"{name} at {fill:g}", density=density, pixel_angstrom=pixel)


def of_groel(study: DictConfig) -> Iterator[Molecule]:
    """-> GroEL in versions that differ in one property each, as large as the study has it."""
    known = [each for each in molecules(study) if each.name == GROEL]
    for name, density in versions().items() if known else ():
        yield replace(known[0], name=f"{GROEL}, {name}", density=density)


def gain(rows: pd.DataFrame) -> dict[str, float]:
    """-> the mean gain over Wiener with its interval, and both correlations, of one molecule's rows."""
    wide = rows.pivot(index="particle", columns="method", values=["psnr", "correlation"])
    mean, low, high = interval(wide["psnr"][LEARNED] - wide["psnr"][WIENER])
    of = wide["correlation"].mean()
    return {"gain": mean, "low": low, "high": high, "correlation Wiener": of[WIENER], "correlation learned": of[LEARNED]}


def compared(found: list[Molecule], study: DictConfig) -> pd.DataFrame:
    """-> one row a molecule: what the learned solver gains."""
    rows = all_tables(found, study, Cell(*study.first))
    about = rows.groupby("molecule", sort=False)[["fold", "form", "pixel_angstrom", "fill"]].first()
    return about.join(pd.DataFrame({name: gain(of) for name, of in rows.groupby("molecule")}).T).reset_index()


def tables(swept: pd.DataFrame, variants: pd.DataFrame, fills: list[float]) -> str:
    """-> Markdown."""
    head = ["molecule", "form", "diameter, Å", *(f"{fill:g}" for fill in fills)]
    lines = []
    for name, of in swept.groupby("plain", sort=False):
        there = {row["asked"]: f"{row['gain']:+.2f}" for _, row in of.iterrows()}
        lines.append([str(name), str(of["form"].iloc[0]), f"{of['diameter'].iloc[0]:.0f}", *(there.get(f, "") for f in fills)])
    folds = swept[~swept["plain"].str.startswith(GROEL)]
    means = {fill: interval(of["gain"]) for fill, of in folds.groupby("asked") if len(of) > 1}
    lines.append(["mean of folds", "", "", *(_worded(means.get(fill)) for fill in fills)])
    parts = [
        "Gain over Wiener in dB against fill, the molecule's diameter over the box's side.",
        markdown(head, lines, texts=2),
    ]
    if len(variants):
        parts.append("GroEL as large as the study has it (0.85 of the box): one property changed at a time.")
        each = [
            [
                row["molecule"].split(", ", 1)[1],
                f"{row['gain']:+.2f} ({row['low']:+.2f} to {row['high']:+.2f})",
                f"{row['correlation Wiener']:.3f}",
                f"{row['correlation learned']:.3f}",
            ]
            for _, row in variants.iterrows()
        ]
        parts.append(markdown(["GroEL", "gain, dB", "Wiener, corr.", "learned, corr."], each, texts=1))
    return "\n\n".join(parts) + "\n"


def _worded(found: tuple[float, float, float] | None) -> str:
    return "" if found is None else f"{found[0]:+.2f} ({found[1]:+.2f} to {found[2]:+.2f})"


def draw(swept: pd.DataFrame, path: Path) -> None:
    """Draw gain against fill, folds one line each."""
    figure = Figure(figsize=(5.2, 3.6), layout="constrained")
    axes = figure.subplots()
    axes.axhline(0, color="0.6", linewidth=0.8)
    colours, labelled = {GROEL: VERMILION, RENDERED: ORANGE}, set[str]()
    for name, of in swept.groupby("plain"):
        label = {GROEL: "GroEL, map", RENDERED: RENDERED}.get(str(name), "held-out folds")
        width = 2.0 if name in colours else 0.9
        axes.plot(
            of["fill"],
            of["gain"],
            "o-",
            color=colours.get(str(name), BLUE),
            linewidth=width,
            markersize=3,
            label=None if label in labelled else label,
        )
        labelled.add(label)
    axes.set_xlabel("diameter over the box's side")
    axes.set_ylabel("PSNR less Wiener's, dB")
    axes.legend(fontsize=8)
    figure.savefig(path, dpi=130)


def main() -> None:
    """Run and write all."""
    study = settings()
    study.methods, study.output_dir = [WIENER, LEARNED], f"{study.output_dir}/fill"
    swept = compared(list(at_fills(study)), study)
    split = swept["molecule"].str.rsplit(" at ", n=1)
    swept = swept.assign(plain=split.str[0], asked=split.str[1].astype(float))
    swept["diameter"] = swept["fill"] * swept["pixel_angstrom"] * study.box_size
    variants = compared(list(of_groel(study)), study) if groel_map().is_file() else pd.DataFrame()
    folder = Path(study.results or HERE)
    folder.mkdir(parents=True, exist_ok=True)
    pd.concat([swept, variants]).to_csv(folder / "fill.csv", index=False, float_format="%.4f")
    text = tables(swept, variants, list(study.fills))
    (folder / "fill.md").write_text(text)
    draw(swept, folder / "fill.png")
    print(text)


if __name__ == "__main__":
    main()
