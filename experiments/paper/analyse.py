"""Verdicts, tables and figures from the rows of run.py: one command, also when some cells are missing, which it then lists.

python experiments/paper/analyse.py                        # from the top of the checkout; rows in outputs/paper
python experiments/paper/analyse.py output_dir=elsewhere   # rows elsewhere, one folder for each set
"""

from __future__ import annotations

from itertools import pairwise, product
from pathlib import Path
from typing import Any

import pandas as pd
from comparisons import Compared, compared, lost
from evidence import compact, named, read
from figures import draw_claims, draw_curves
from maps import judged as judged_maps
from omegaconf import OmegaConf
from report import results, tables

from cryosense.reporting.tables.paper_tables import without_fitted_weights
from cryosense.reporting.tables.summary import summarise

HERE = Path(__file__).parent


def summaries(rows: pd.DataFrame, config: dict[str, Any]) -> pd.DataFrame:
    """Named rows -> one line per operator and method, and per what weights were chosen for."""
    parts = []
    operators = rows.drop_duplicates("operator_number")
    for title, group in rows.groupby("weights", sort=False):
        baseline = rows["method"].eq("pinv") & rows["operator_number"].isin(group["operator_number"])
        with_baseline = group if title == "PSNR to noisy" else pd.concat([group, rows[baseline]])
        fitted = without_fitted_weights(with_baseline)
        lines = summarise(fitted, resamples=config["resamples"], level=config["level"], seed=0)
        again = lines["reconstructor"].eq("pinv") & (title != "PSNR to noisy")
        parts.append(lines[~again].assign(weights_for=title))
    lines = named_lines(pd.concat(parts, ignore_index=True))
    keys = ["data", "family", "compression_nominal", "noise_sigma"]
    dof = operators.groupby(keys)["compression_dof"].mean().rename("operator_dof")
    return lines.join(dof, on=keys)


def named_lines(lines: pd.DataFrame) -> pd.DataFrame:
    """Lines of a summary -> the same with the names that rows have."""
    again = named(lines.assign(set="", seed=0), {})
    return again.assign(compression_dof=again["own_dof"]).drop(
        columns=["weights", "set", "seed", "own_dof", "operator_number"]
    )


def claims(rows: pd.DataFrame, config: dict[str, Any]) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """-> verdicts about kinds of priors, the same by range of compression, and about losses with compression."""
    simulated = rows[rows["data"] == "simulated"]
    ends = config["ranges"]
    ranges = [
        {
            "claim": f"{low:g} < C" + (f" ≤ {high:g}" if high < ends[-1] else ""),
            "domain": domain,
            "better": "generative",
            "above": low,
            "up_to": high,
        }
        for domain in config["domains"]
        for low, high in pairwise(ends)
    ]
    found: list[list[dict[str, object]]] = [[], [], []]
    for weights in config["weights"]:
        if weights not in set(simulated["weights"]):
            continue
        both = Compared.of(simulated, config, weights)
        for claim in config["kinds"]:
            found[0] += compared(both, config, claim)
        for claim in ranges:
            found[1] += ({"domain": claim["domain"], **line} for line in compared(both, config, claim))
        for claim in config["losses"]["claims"]:
            found[2] += lost(both, config, claim)
    return pd.DataFrame(found[0]), pd.DataFrame(found[1]), pd.DataFrame(found[2])


def stand_ins(rows: pd.DataFrame, config: dict[str, Any]) -> pd.DataFrame:
    """-> verdicts about kinds on those operators where all that may stand for generative was run, with each of it."""
    simulated = rows[(rows["data"] == "simulated") & rows["method"].isin([*config["sparse"], *config["stand_ins"], "pinv"])]
    tried = simulated[simulated["method"].isin(config["stand_ins"])].groupby("operator_number")["method"].nunique()
    few = simulated[simulated["operator_number"].isin(tried.index[tried == len(config["stand_ins"])])]
    lines: list[dict[str, object]] = []
    for weights, name in product(config["weights"] if len(few) else [], config["stand_ins"]):
        both = Compared.of(few, config | {"generative": name}, weights)
        for claim in config["kinds"]:
            lines += [{"generative": name, **line} for line in compared(both, config, claim) if line["counted"] == "nominal"]
    return pd.DataFrame(lines)


def main() -> None:
    """Write rows.csv, claims.csv, results.md, tables.md and the figures."""
    study: Any = OmegaConf.to_container(OmegaConf.merge(OmegaConf.load(HERE / "study.yaml"), OmegaConf.from_cli()))
    config: Any = OmegaConf.to_container(OmegaConf.load(HERE / "claims.yaml"))
    rows, missing = read(Path(study["output_dir"]), list(study["sets"]))
    everything = named(rows, config["weights"])
    rows = everything[everything["set"] != "draws"]
    lines = summaries(rows, config)
    kinds, by_range, losses = claims(rows, config)
    others = stand_ins(rows, config)
    of_maps = pd.DataFrame(judged_maps(config["maps"]))
    compact(lines).to_csv(HERE / "rows.csv", index=False)
    pd.concat([kinds, by_range, others, losses]).to_csv(HERE / "claims.csv", index=False, float_format="%.4g")
    text = results(everything, lines, kinds, by_range, others, losses, of_maps, missing, config)
    (HERE / "results.md").write_text(text)
    (HERE / "tables.md").write_text(tables(lines, config["level"]))
    draw_curves(lines, 0.0, HERE / "curves.png")
    draw_curves(lines, 0.1, HERE / "curves_noise.png")
    draw_claims(lines, HERE / "claims.png")
    print(text)


if __name__ == "__main__":
    main()
