"""``cryosense compare-latents`` from its command line to its files."""

import pickle
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from cryosense.cli.compare_latents import main
from cryosense.runs.provenance import sessions
from tests.biology.mixtures import mixture, relabelled

pytest.importorskip("sklearn")

COUNT, MOVED = 400, 15  # of each class of 100


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """Latents of the same particles: two trainings on the same images, and one in which 15 % have changed place."""
    labels, changed = relabelled(COUNT, MOVED)
    (tmp_path / "runs, C=2").mkdir()
    made = {"first": (labels, 0), "again": (labels, 1), "changed": (changed, 2)}
    paths = {}
    for name, (classes, seed) in made.items():
        paths[name] = tmp_path / "runs, C=2" / f"{name}.pkl"
        with paths[name].open("wb") as file:
            pickle.dump(mixture(classes, seed).astype(np.float32), file)
            pickle.dump(np.zeros((COUNT, 8), np.float32), file)
    table = pd.DataFrame({"state": labels, "angle": labels * 10.0})
    table.to_csv(tmp_path / "labels.csv", index=False)
    return paths | {"labels": tmp_path / "labels.csv"}


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> None:
    monkeypatch.setattr(sys, "argv", ["cryosense compare-latents", *words])
    main()


def settings(output: Path) -> list[str]:
    return [f"output_dir={output}", "embedding=none", "refits=1", "shuffles=3", "clustering.starts=2"]


def test_bare_files_to_tables_and_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], files: dict[str, Path]
) -> None:
    output = tmp_path / "out"
    known = ["known=classes", f"known.path={files['labels']}", "known.column=state"]
    reseeded = f"reseeded=['{files['again']}']"
    run(monkeypatch, str(files["first"]), str(files["changed"]), reseeded, *known, *settings(output))
    scores = pd.read_csv(output / "comparison.csv").groupby("kind", sort=False).mean(numeric_only=True)
    compared, floor, reseeded_scores, refitted = (scores.iloc[i] for i in range(4))
    assert compared["agreement"] == compared["label_transfer"] == 0.85
    assert tuple(reseeded_scores[["agreement", "ari", "label_transfer"]]) == (1, 1, 1)
    assert refitted["agreement"] == 1
    assert np.isnan(refitted["neighbour_overlap"])
    assert floor["agreement"] < 0.4
    assert abs(floor["ari"]) < 0.03
    known_scores = pd.read_csv(output / "known.csv").set_index(["run", "kind"])
    assert known_scores.loc[(str(files["changed"]), "compared"), "agreement"].item() == 0.85
    clusters = pd.read_csv(output / "clusters.csv")
    assert (clusters["particles"] == 100).all()
    assert (clusters["agreement"] == 0.85).all()
    particles = pd.read_csv(output / "particles.csv")
    assert (particles.groupby("cluster_0")["cluster_1"].agg(lambda x: x.mode()[0]).nunique(), len(particles)) == (4, COUNT)
    assert [session["ended"] is not None for session in sessions(output)] == [True]
    printed = capsys.readouterr().out
    assert "| 0.850 | " in printed
    assert "ceiling: same images, other training seed | 1.000" in printed
    with Image.open(output / "comparison.png") as image:
        pixels = np.asarray(image.convert("RGB")).reshape(-1, 3)
    assert len(pixels) > 1400 * 400
    assert len(np.unique(pixels // 32, axis=0)) > 20
    before = (output / "particles.csv").stat().st_mtime_ns
    run(monkeypatch, str(files["first"]), str(files["changed"]), reseeded, *known, *settings(output))
    assert (output / "particles.csv").stat().st_mtime_ns == before


def test_a_coordinate_against_one_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, Path]) -> None:
    known = ["known=coordinate", f"known.path={files['labels']}", "known.column=angle"]
    run(monkeypatch, str(files["first"]), *known, *settings(tmp_path / "out"), "embedding=pca")
    table = pd.read_csv(tmp_path / "out" / "known.csv").groupby("kind")[["spearman", "r2"]].mean()
    # Ranks in four steps against means that are exact within each.
    assert table.loc["compared"].tolist() == pytest.approx([1, 1])
    assert abs(table.loc["floor: particles shuffled", "spearman"]) < 0.2
    assert not (tmp_path / "out" / "comparison.png").exists()


def test_what_cannot_be_compared_ends_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, Path]
) -> None:
    np.save(tmp_path / "short.npy", np.random.default_rng(0).standard_normal((399, 2)))
    first, output = str(files["first"]), settings(tmp_path / "out")
    for words, reason in (
        ([first], "name two files or more"),
        ([], "latents"),
        ([first, str(tmp_path / "short.npy")], r"short\.npy: 399 particles, but 400 in .*first\.pkl"),
        ([first, first], "is named twice"),
        ([first, str(files["changed"]), "neighbours=400"], "neighbours=400 of 400 particles"),
        ([first, str(tmp_path / "absent.npy")], r"absent\.npy: no such file"),
        ([first, "known=classes", f"known.path={files['labels']}", "known.column=none"], r"labels\.csv: no column none"),
    ):
        with pytest.raises(SystemExit, match=rf"^cryosense compare-latents: .*{reason}"):
            run(monkeypatch, *words, *output)
        assert not (tmp_path / "out").exists()
