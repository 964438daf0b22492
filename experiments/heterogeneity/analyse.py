"""Recovery of the truth and agreement with the original; see README.md. Writes results.csv, results.md and figure.png.

python experiments/heterogeneity/analyse.py        # after run.py; trainings that are not there are left out
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from hydra import compose, initialize_config_dir
from oracle import recovered_states
from run import HERE, ORIGINAL, Study, cells, linear_latents, read_study, recovered, training
from study_figure import draw

from cryosense.biology.agreement import class_recovery, coordinate_recovery
from cryosense.biology.clustering import GaussianMixture
from cryosense.biology.neighbours import nearest_neighbours
from cryosense.cli.compare_latents import compare_latents
from cryosense.cli.conf_dir import conf_dir
from cryosense.data.latents import read_classes, read_coordinate, read_latents
from cryosense.seeding import generator
from cryosense.tasks.latents.tables import COMPARED, FLOOR

NEIGHBOURS = 15
SHUFFLES = 10
LEGEND = """\
label_transfer: share of the particles whose state is the most frequent one among their 15 neighbours in latent space. ari: of
a mixture of two Gaussians in latent space. spearman, r2: of the mean angle of the neighbours. Standard errors over 1,000
particles: of label_transfer 0.016 or less, of spearman 0.03 or less."""


def recovery(study: Study, data: str, latents: np.ndarray) -> dict[str, float]:
    """-> scores of (n, d) latents against what is known of the particles."""
    path, column = Path(study["output_dir"]) / data / "labels.csv", study["known"][data]
    neighbours = nearest_neighbours(latents, NEIGHBOURS)
    if column != "state":
        return coordinate_recovery(read_coordinate(path, column), neighbours)._asdict()
    clusters = GaussianMixture(components=2, covariance="full", starts=5, seed=0)(latents, 0)
    return class_recovery(read_classes(path, column), clusters, neighbours)._asdict()


def by_chance(study: Study, data: str) -> dict[str, float]:
    """-> mean scores of the original's linear modes with the particles shuffled."""
    latents = read_latents(linear_latents(study, data, *ORIGINAL))
    orders = [generator(0, i).permutation(len(latents)) for i in range(SHUFFLES)]
    return pd.DataFrame([recovery(study, data, latents[order]) for order in orders]).mean().to_dict()


def rows(study: Study) -> Iterator[dict[str, object]]:
    """-> a row per file of latents, and for what the measurements hold and chance."""
    for data, method, compression in cells(study):
        cell = {"data": data, "method": method, "compression": compression}
        path = linear_latents(study, data, method, compression)
        if path.exists():
            yield cell | {"latents": "linear"} | recovery(study, data, read_latents(path))
    for data, method, compression, seed in study["trainings"]:
        cell = {"data": data, "method": method, "compression": compression, "seed": seed}
        for epoch in study["epochs"]:
            path = training(study, data, method, compression, seed) / f"z.{epoch}.pkl"
            if (path.parent / "z.pkl").exists():
                yield cell | {"latents": f"cryoDRGN, epoch {epoch}"} | recovery(study, data, read_latents(path))
    for data in study["data"]:
        yield {"data": data, "latents": "chance", "method": "shuffled"} | by_chance(study, data)
        for compression in (1, *study["compressions"]):
            runs = list(recovered(study, data, "pinv", compression).glob("*/done.json"))
            if compression == 1 or runs:
                held = recovered_states(Path(study["output_dir"]) / data, runs[0].parent if runs else None)
                yield {"data": data, "latents": "true maps", "method": "pixel masks", "compression": compression} | held


def agreements(study: Study) -> pd.DataFrame:
    """-> rows of `cryosense compare-latents` as the paper does it: cryoDRGN's latents against those of the original images."""
    tables = []
    for data in study["data"]:
        trained = [tuple(each[1:]) for each in study["trainings"] if each[0] == data]
        found = {each: training(study, data, *each) / f"z.{study['epochs'][-1]}.pkl" for each in trained}
        found = {each: path for each, path in found.items() if (path.parent / "z.pkl").exists()}
        first, reseeded = found.pop((*ORIGINAL, 1), None), found.pop((*ORIGINAL, 2), None)
        if first is None or not found:
            continue
        output = Path(study["output_dir"]) / "compared" / f"{data}_{len(found)}_{reseeded is not None}"
        words = [f"latents=[{','.join(map(str, [first, *found.values()]))}]", f"output_dir={output}"]
        compare_latents(compose("compare-latents", words + ([] if reseeded is None else [f"reseeded=[{reseeded}]"])))
        scores = (
            pd.read_csv(output / "comparison.csv").drop(columns=["first", "repeat"]).groupby(["other", "kind"], sort=False)
        )
        names = {str(path): f"{method}, C = {compression}" for (method, compression, _), path in found.items()}
        table = scores.mean().reset_index().replace({"other": names | {str(first): "original", str(reseeded): "original"}})
        table = table[(table["kind"] != FLOOR) | (table["other"] == table["other"].iloc[0])]
        tables.append(table.assign(data=data, kind=table["kind"].replace({COMPARED: "against the original"})))
    return pd.concat(tables) if tables else pd.DataFrame()


def markdown(table: pd.DataFrame) -> str:
    """-> the table as Markdown, without empty columns."""
    shown = table.dropna(axis=1, how="all")
    lines = [
        ["" if pd.isna(value) else f"{value:.3f}" if isinstance(value, float) else str(value) for value in row]
        for row in shown.to_numpy(dtype=object)
    ]
    rule = ["---"] * shown.shape[1]
    return "\n".join("| " + " | ".join(line) + " |" for line in [list(map(str, shown.columns)), rule, *lines])


def main() -> None:
    """Score, compare, and write tables and figure."""
    study = read_study()
    table = pd.DataFrame(list(rows(study))).astype({"compression": "Int64", "seed": "Int64"})
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        compared = agreements(study)
    parts = [f"## {data}\n\n{markdown(of_data.drop(columns='data'))}" for data, of_data in table.groupby("data", sort=False)]
    if len(compared):
        parts.append(f"## Clusters of cryoDRGN's latents (UMAP, four Gaussians)\n\n{markdown(compared)}")
    text = "\n\n".join([*parts, LEGEND]) + "\n"
    (HERE / "results.md").write_text(text)
    table.to_csv(HERE / "results.csv", index=False, float_format="%.4f")
    draw(HERE / "figure.png", table)
    print(text)


if __name__ == "__main__":
    main()
