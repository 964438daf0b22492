"""The tables of the study, from its runs: prints them and writes them to results.md; then the figure.

python experiments/real_particle/analyse.py        # after run.py, from the top of the checkout
"""

from pathlib import Path

import pandas as pd
from evidence import FLOOR_FROM_RING, ceiling_psnr, kurtosis_table, logged_reconstructions, noise_floor
from figure import draw
from run import HERE, OUTPUTS, REFERENCE, particle
from tables import LINES, METHODS, OPERATORS, PRIORS, SIGNED, by_method, differences, markdown, paired, read_rows, spread

from cryosense.metrics import Lpips, Scores

TOLERANCE = {"psnr": 0.6, "ssim": 0.04, "lpips": 0.05}
RIVALS = [method for method in METHODS if method != "pinv"]


def limits(rows: pd.DataFrame, floor: float) -> pd.DataFrame:
    """-> operators down: draws, compressions, the pseudo-inverse, and what the noise lets anyone reach."""
    pinv = rows[rows["reconstructor"] == "pinv"].groupby("line")
    wiener = rows[rows["reconstructor"] == "wiener"].groupby("line")["psnr"].mean()
    table = pinv[["compression_nominal", "compression_dof", "psnr"]].mean().reindex(LINES)
    ceiling = table["compression_dof"].map(lambda compression: ceiling_psnr(floor, compression))
    columns = {
        "draws": pinv.size().reindex(LINES),
        "C nominal": table["compression_nominal"].map("{:.2f}".format),
        "C dof": table["compression_dof"].map("{:.2f}".format),
        "pinv": pinv["psnr"].apply(spread, "{:.2f}").reindex(LINES),
        "Wiener": wiener.reindex(LINES).map("{:.2f}".format),
        "ceiling": ceiling.map("{:.2f}".format),
        "ceiling - pinv": (ceiling - table["psnr"]).map(SIGNED.format),
    }
    return pd.DataFrame(columns).rename_axis("operator")


def golden(rows: pd.DataFrame) -> pd.DataFrame:
    """-> one line per golden figure: what was measured there, here, and whether the mean is within the tolerance."""
    lines = []
    for operator in OPERATORS:
        for method, expected in operator["golden"].items():
            kept = rows["line"].isin([operator["name"], operator["name"] + ", mean kept"])
            draws = rows[kept & (rows["reconstructor"] == method)]
            line = {"operator": operator["name"], "method": method, "draws": len(draws)}
            off = {score: abs(draws[score].mean() - value) for score, value in zip(TOLERANCE, expected, strict=True)}
            for (score, form), value in zip(
                {"psnr": "{:.2f}", "ssim": "{:.3f}", "lpips": "{:.3f}"}.items(), expected, strict=True
            ):
                line |= {f"golden {score}": form.format(value), score: spread(draws[score], form)}
            outside = [score for score, bound in TOLERANCE.items() if off[score] > bound]
            lines.append(line | {"within": "yes" if not outside else "not " + ", ".join(outside)})
    return pd.DataFrame(lines).set_index("operator")


def beside_the_paper(rows: pd.DataFrame, by_lpips: pd.DataFrame) -> pd.DataFrame:
    """-> the paper's own reconstructions and ours on the same operators."""
    logged = logged_reconstructions(REFERENCE, Scores(Lpips.load(str(REFERENCE / "lpips" / "alexnet_features.npz"))))
    lines = {}
    for name, scores in logged.iterrows():
        line = name if name in LINES else f"{name}, mean kept"
        lines[name, "DCT, the paper's reconstruction"] = scores[list(TOLERANCE)]
        for title, source, method in (
            ("DCT, weight by PSNR", rows, "dct"),
            ("DCT, weight by LPIPS", by_lpips, "dct"),
            ("pinv", rows, "pinv"),
            ("Wiener", rows, "wiener"),
        ):
            chosen = source[(source["line"] == line) & (source["reconstructor"] == method)]
            lines[line, title] = chosen[list(TOLERANCE)].mean()
    table = pd.DataFrame(lines).T.map("{:.4f}".format)
    table.insert(0, "method", table.index.get_level_values(1))
    return table.droplevel(1).rename_axis("operator")


def chosen_by_lpips(rows: pd.DataFrame, by_lpips: pd.DataFrame) -> pd.DataFrame:
    """-> LPIPS / SSIM of priors whose weight LPIPS chose; bold where LPIPS beats the pseudo-inverse in every draw."""
    seeds = rows["seed"].isin(by_lpips["seed"].unique())
    pinv = rows[seeds & (rows["reconstructor"] == "pinv")]
    both = pd.concat([by_lpips, pinv])
    both["difference"] = paired(both, "lpips")
    table = {}
    for line in LINES:
        cells = {}
        for method in ["pinv", *PRIORS]:
            draws = both[(both["line"] == line) & (both["reconstructor"] == method)]
            if len(draws):
                cell = f"{draws['lpips'].mean():.3f} / {draws['ssim'].mean():.3f}"
                cells[method] = f"**{cell}**" if draws["difference"].max() < -1e-6 else cell
        table[line] = {"draws": len(pinv[pinv["line"] == line]), **cells}
    return pd.DataFrame(table).T.dropna().rename_axis("operator")


def weight_curves(rows: pd.DataFrame) -> pd.DataFrame:
    """-> one row per operator, prior and weight tried: relative weight, mean PSNR minus that of the pseudo-inverse."""
    rows = rows.assign(baseline=rows["psnr"] - paired(rows, "psnr"))
    rows = rows[rows["reconstructor"].isin(PRIORS)]
    tried = rows.explode(["weights", "weight_scores"])
    tried["step"] = tried.groupby(["name", "reconstructor", "seed"]).cumcount()
    tried["difference"] = tried["weight_scores"].astype(float) - tried["baseline"]
    return tried.groupby(["line", "reconstructor", "step"])["difference"].mean().reset_index()


def converged(rows: pd.DataFrame, tight: pd.DataFrame) -> pd.DataFrame:
    """-> PSNR minus that of the pseudo-inverse at single weights, at the usual gap and at one a hundred times smaller."""
    keys = ["line", "reconstructor", "weights"]
    everything = pd.concat([rows[rows["seed"] == 0].assign(gap_at="1e-4"), tight.assign(gap_at="1e-6")])
    baseline = rows[(rows["reconstructor"] == "pinv") & (rows["seed"] == 0)].set_index("line")["psnr"]
    tried = everything[everything["weights"].notna()].explode(["weights", "weight_scores"])
    tried["difference"] = tried["weight_scores"].astype(float) - tried["line"].map(baseline)
    table = tried.pivot(index=keys, columns="gap_at", values="difference").dropna().map(SIGNED.format)
    table = table.rename(columns="gap {}".format).reset_index(["reconstructor", "weights"])
    table["weights"] = table["weights"].map("{:.2g}".format)
    return table.rename_axis(index="operator", columns=None)


def controls(rows: pd.DataFrame, controls: pd.DataFrame) -> pd.DataFrame:
    """-> PSNR minus that of the pseudo-inverse, on the particle (same draw), on Gaussian images and on clean ones."""
    everything = pd.concat([rows[rows["seed"] == 0], controls])
    everything["difference"] = paired(everything, "psnr")
    everything = everything[everything["name"].isin(controls["name"].unique())]
    means = everything.groupby(["line", "data", "reconstructor"])["difference"].mean().unstack()[["wiener", *PRIORS]]
    titles = {"EMPIAR-10076": "the particle", "surrogate": "Gaussian images, its spectrum", "clean": "GroEL without noise"}
    order = [(line, data) for line in LINES for data in titles if (line, data) in means.index]
    table = means.loc[order].map(SIGNED.format)
    table.insert(0, "images", [titles[data] for _, data in order])
    return table.droplevel(1).rename_axis("operator")


def main() -> None:
    """Print and write the results, and draw the figure."""
    rows, by_lpips = read_rows(OUTPUTS / "particle"), read_rows(OUTPUTS / "chosen_by_lpips")
    image = particle()
    floors = {name: noise_floor(image, ring) for name, ring in FLOOR_FROM_RING.items()}
    floor = floors["rings 40 to 64"]
    curves = weight_curves(rows)
    smallest = curves[curves["step"] == 0].pivot(index="line", columns="reconstructor", values="difference")
    shares = ", ".join(f"{100 * value / float(image.var()):.1f} % ({name})" for name, value in floors.items())
    worst = rows.loc[rows["gap"].idxmax()]
    sections = {
        "PSNR minus that of the pseudo-inverse, dB: mean (range) over mask draws; bold: better in every draw": markdown(
            differences(rows, RIVALS)
        ),
        "PSNR, dB, mean over mask draws": markdown(by_method(rows, "psnr", 2, METHODS)),
        "SSIM, mean over mask draws": markdown(by_method(rows, "ssim", 3, METHODS)),
        "LPIPS, mean over mask draws": markdown(by_method(rows, "lpips", 3, METHODS)),
        "What the noise leaves to win, PSNR in dB": f"Variance that is noise: {shares}.\n\n" + markdown(limits(rows, floor)),
        "The limit of weight 0 (1e-4 of the mean diagonal): PSNR minus that of the pseudo-inverse, dB": markdown(
            smallest.reindex(LINES)[PRIORS].map(SIGNED.format).rename_axis("operator")
        ),
        "Kurtosis of coefficients (3: Gaussian)": markdown(kurtosis_table().rename_axis("image")),
        "Controls: PSNR minus that of the pseudo-inverse, dB, mask draw 0": markdown(
            controls(rows, read_rows(OUTPUTS / "controls"))
        ),
        "LPIPS / SSIM where LPIPS chose the weight, mean over mask draws": markdown(chosen_by_lpips(rows, by_lpips)),
        "Beside the paper's reconstructions": markdown(beside_the_paper(rows, by_lpips)),
        "Beside the golden scores (one draw there)": markdown(golden(rows)),
        "Convergence: PSNR minus that of the pseudo-inverse, dB, mask draw 0": (
            f"Largest gap of all runs: {worst['gap']:.1e} ({worst['name']}, {worst['reconstructor']}).\n\n"
            + markdown(converged(rows, read_rows(OUTPUTS / "converged")))
        ),
    }
    text = "\n".join(f"### {title}\n\n{body}" for title, body in sections.items())
    print(text)
    Path(HERE / "results.md").write_text("# Results, written by analyse.py\n\n" + text)
    draw(rows, curves, floor).savefig(HERE / "figure.png")


if __name__ == "__main__":
    main()
