"""Everything that run.py and realigned.py left, as tables and one figure; see README.md.

Writes points.csv, poses.csv, results.md and bytes.png.
"""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from figure import draw
from omegaconf import DictConfig
from run import HERE, POSES_TABLE, TABLE, cells, folder_of, settings
from tables import CELL, markdown, of_answers, of_trellises, spread

WITHIN, ANGLES_WITHIN, A_SHELL = 0.05, 0.15, 1.0
FEW = 0.5  # of the most data sets of a scheme
SHELLS = ("shell_unmasked", "shell_masked", "shell_to_truth")
PAPERS = ("flat masks, float32", "pixel masks K = 4, float32")
GOALS = ((0.95, 30), (0.60, 70))


def main() -> None:
    """Read every cell that is there."""
    study = settings()
    results = Path(study.results or HERE)
    points = with_losses(together(study, TABLE))
    points.to_csv(results / "points.csv", index=False, float_format="%.5g")
    said = [titled(points), by_scheme(points), of_answers(points), predicted(points), largest(points), of_trellises(points)]
    said += [against_masks(points)]
    poses = together(study, POSES_TABLE)
    if len(poses):
        (poses := with_losses(poses)).to_csv(results / "poses.csv", index=False, float_format="%.5g")
        said += [of_poses(poses)]
    text = "\n\n".join(said) + "\n"
    (results / "results.md").write_text(text)
    draw(points, results / "bytes.png")
    sys.stdout.write(text)


def together(study: DictConfig, name: str) -> pd.DataFrame:
    """-> the rows of all cells that are finished."""
    paths = [folder_of(study, *cell) / name for cell in cells(study)]
    made = [pd.read_csv(path) for path in paths if path.exists()]
    return pd.concat(made, ignore_index=True) if made else pd.DataFrame()


def with_losses(points: pd.DataFrame) -> pd.DataFrame:
    """-> with bits, times smaller than float32, and shells lost against the uncompressed map of the same particles."""
    whole = points[points["scheme"] == "uncompressed"].set_index(CELL)[list(SHELLS)]
    joined = points.join(whole.add_suffix("_whole"), on=CELL)
    pixels = points["box_size"] ** 2
    lost = {f"lost_{name[6:]}": joined[f"{name}_whole"] - joined[name] for name in SHELLS}
    missed = {"missed": points["equivalent_measured"] - points["equivalent_expected"]}
    bits = {"bits_a_pixel": 8 * points["bytes_measured"] / pixels, "times_smaller": 4 * pixels / points["bytes_measured"]}
    return points.assign(**bits, **lost, **missed)


def titled(points: pd.DataFrame) -> str:
    """-> what there is."""
    made = points[CELL].drop_duplicates()
    whole = points[points["scheme"] == "uncompressed"]
    lines = [f"# {len(made)} data sets, {len(points) - len(whole)} points", ""]
    columns = ["molecule", "SNR", "seed", "box", *(f"shell, {name[6:].replace('_', ' ')}" for name in SHELLS)]
    rows = [[*row[[*CELL, "box_size"]].astype(str), *(f"{row[name]:.1f}" for name in SHELLS)] for _, row in whole.iterrows()]
    said = "Where the maps of the particles as they are end, in shells; a box has half as many as pixels:"
    return "\n".join([*lines, said, "", markdown(columns, rows)])


def by_scheme(points: pd.DataFrame) -> str:
    """-> a row for each scheme: the mean over all data sets, and the lowest and highest."""
    columns = ["scheme", "bytes a particle", "times smaller than float32", "equivalent particles", "predicted", "worst miss"]
    columns += ["shells lost, masked", "to the truth", "data sets"]
    rows = []
    for name, group in points[points["scheme"] != "uncompressed"].groupby("scheme", sort=False):
        missed = group["missed"].abs().max()
        rows.append(
            [
                name,
                spread(group["bytes_measured"], "{:.0f}"),
                spread(group["times_smaller"], "{:.1f}"),
                spread(100 * group["equivalent_measured"], "{:.1f}"),
                "" if np.isnan(missed) else spread(100 * group["equivalent_expected"], "{:.1f}"),
                "" if np.isnan(missed) else f"{100 * missed:.1f}",
                spread(group["lost_masked"], "{:.1f}"),
                spread(group["lost_to_truth"], "{:.1f}"),
                str(len(group)),
            ]
        )
    return "Mean over the data sets (lowest to highest):\n\n" + markdown(columns, rows)


def predicted(points: pd.DataFrame) -> str:
    """-> how far predictions are off; of what has to be predicted at all."""
    trivial = points["scheme"].str.contains("of the particles|float16|uncompressed")
    known = points[points["missed"].notna() & ~trivial]
    near = (known["missed"].abs() <= WITHIN).mean()
    spent = (known["bytes_measured"] / known["bytes_expected"] - 1).abs().max()
    worst = known.loc[known["missed"].abs().idxmax()]
    said = (
        f"Predicted equivalent particles lie within {WITHIN:.0%} (absolute) of those measured for {near:.1%} of {len(known)} "
        f"points; mean error {known['missed'].mean():+.3f}, worst {worst['missed']:+.3f} ({worst['scheme']}, "
        f"{worst['molecule']}, SNR {worst['snr']:g}, seed {worst['seed']}). Bytes: the worst {spent:.1%} off."
    )
    shares = known.assign(near=known["missed"].abs() <= WITHIN).groupby("snr")["near"].mean()
    return said + " By SNR: " + ", ".join(f"{snr:g}: {share:.1%}" for snr, share in shares.items()) + "."


def largest(points: pd.DataFrame) -> str:
    """-> the largest ratio that holds in all data sets, with and without the condition that less than a shell is lost.

    Schemes that few data sets were measured with are told apart.
    """
    lines, tried = [], points[points["scheme"] != "uncompressed"]
    sets = tried.groupby("scheme")[CELL[0]].transform("size")
    many = sets > FEW * sets.max()
    for word, some in (("", tried[many]), (" of the few measured so", tried[~many])):
        for (wanted, goal), shells in itertools.product(GOALS, (True, False)):
            found = []
            for name, group in some.groupby("scheme"):
                keeps = (group["equivalent_measured"] >= wanted).all()
                if keeps and (not shells or (group["lost_masked"] < A_SHELL).all()):
                    found.append((float(group["times_smaller"].min()), str(name), len(group)))
            said = "nothing" if not found else "{1}, {0:.1f} times smaller than float32, {2} data sets".format(*max(found))
            condition = ", less than a shell of the masked resolution lost" if shells else ""
            lines.append(f"- At least {wanted:.0%} in every data set{word}{condition}: {said} (goal {goal}).")
    return "\n".join(lines)


def against_masks(points: pd.DataFrame) -> str:
    """-> how many times more bytes the paper's masks take than the cheapest scheme that keeps as much."""
    lines = []
    for name in PAPERS:
        ratios, shares = [], []
        for _, cell in points[points["scheme"] != "uncompressed"].groupby(CELL):
            for mask in cell[cell["scheme"] == name].to_dict("records"):
                others = cell[~cell["scheme"].str.contains("masks")]
                enough = others[others["equivalent_measured"] >= mask["equivalent_measured"]]
                enough = enough[enough["shell_masked"] >= mask["shell_masked"] - A_SHELL]
                ratios.append(mask["bytes_measured"] / enough["bytes_measured"].min())
                shares.append(mask["equivalent_measured"])
        if ratios:
            lines.append(
                f"- {name}, C = 2.5, keep {spread(100 * pd.Series(shares), '{:.0f}')} % in "
                f"{spread(pd.Series(ratios), '{:.0f}')} times the bytes of the cheapest scheme that keeps as much "
                "and ends less than a shell before."
            )
    return "\n".join(lines)


def of_poses(poses: pd.DataFrame) -> str:
    """-> what is left where poses are found anew, beside the particles as they are with poses found anew."""
    columns = [
        "molecule",
        "SNR",
        "seed",
        "scheme",
        "times smaller",
        "equivalent particles",
        "predicted",
        "shells lost, masked",
    ]
    columns += [
        "median error (degrees)",
        "over the originals' (paired 95 %)",
        "predicted",
        "within 20 degrees",
        "of known poses",
    ]
    rows = []
    for _, row in poses.iterrows():
        whole = row["scheme"] == "uncompressed"
        shown = [
            f"{row['times_smaller']:.1f}",
            f"{100 * row['equivalent_measured']:.1f}",
            f"{100 * row['equivalent_expected']:.1f}",
            f"{row['lost_masked']:.1f}",
        ]
        angles = f"{row['angular_error_measured']:.2f} ({row['angular_error_low']:.2f} to {row['angular_error_high']:.2f})"
        tail = [f"{row['median_deg']:.2f}", "" if whole else angles, "" if whole else f"{row['angular_error_expected']:.2f}"]
        last = [f"{row['within_20_deg']:.1%}", f"{100 * row['of_known_poses']:.1f}"]
        rows.append([*row[[*CELL, "scheme"]].astype(str), *(["", "", "", ""] if whole else shown), *tail, *last])
    tried = poses[poses["scheme"] != "uncompressed"]
    near = (tried["missed"].abs() <= WITHIN).mean()
    off = tried["angular_error_measured"] / tried["angular_error_expected"] - 1
    said = (
        "Poses found anew; compared with the particles as they are, their poses found anew, too. Predicted equivalent "
        f"particles lie within {WITHIN:.0%} for {near:.0%} of {len(tried)} points, angular errors within "
        f"{ANGLES_WITHIN:.0%} for {(off.abs() <= ANGLES_WITHIN).mean():.0%}."
    )
    return said + "\n\n" + markdown(columns, rows)


if __name__ == "__main__":
    main()
