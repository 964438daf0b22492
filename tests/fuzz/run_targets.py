"""What reads directories of runs and of maps; see :mod:`tests.fuzz.targets`."""

from __future__ import annotations

import json
from pathlib import Path

from cryosense.errors import UnusableRunError
from cryosense.reporting.report.making import how_made
from cryosense.reporting.tables.cells import cell_label
from cryosense.reporting.tables.collect import collect
from cryosense.reporting.tables.collected_maps import finished_maps, map_curves, resolution_lines
from cryosense.reporting.tables.examples import read_examples
from cryosense.runs.provenance import begin_session, end_session
from tests.fuzz.targets import Target, member, rezipped, saved
from tests.reporting.tables.test_collected_maps import write_map
from tests.tasks.runs import PIXEL, write_run

RUN_FILES = ("rows.parquet", "summary.json", "done.json", "config.yaml", "provenance.json", "sweep.json")
CONFIG = """data: {path: sets/J1/particles.star}
operator: {_target_: cryosense.measurement.PixelDesign, block_size: 4, masks: {_target_: cryosense.masks.random_binary}}
reconstructor: {_target_: cryosense.reconstructors.Sparse, prior: tv, weight: 0.1}
compression: 2.0
"""


def collected(path: Path) -> None:
    """Collect the run that a file lies in, read its example, and say how it was made."""
    found = collect(path.parent)
    read_examples(found.runs, found.rows)
    how_made(found.runs)
    [cell_label(run) for run in found.runs]


def run_folder(folder: Path) -> None:
    if not (folder / "rows.parquet").exists():
        write_run(folder, PIXEL, "tv", kept=8)
        (folder / "config.yaml").write_text(CONFIG)
        (folder / "sweep.json").write_text(json.dumps({"cells": ["a", "b/c"]}))
        begin_session(folder)
        end_session(folder)


def run_file(name: str) -> bytes:
    def make(path: Path) -> None:
        run_folder(path.parent / "run")
        (path.parent / "run" / name).replace(path)

    return saved(make, "")


def maps(path: Path) -> None:
    found, damaged = finished_maps(path.parent)
    for _, reason in damaged:
        raise UnusableRunError(reason)
    resolution_lines(found)
    map_curves(found)


def map_folder(folder: Path) -> None:
    if not (folder / "fsc.csv").exists():
        write_map(folder / "new", 7.0, crossed=True)
        for path in (folder / "new").iterdir():
            path.replace(folder / path.name)


def map_file(name: str) -> bytes:
    def make(path: Path) -> None:
        map_folder(path.parent)
        (path.parent / name).replace(path)

    return saved(make, "")


EXAMPLE = run_file("example.npz")
RUNS = [
    *(Target(f"run_{n}", n, lambda n=n: [run_file(n)], collected, run_folder) for n in RUN_FILES),
    Target("example", "example.npz", lambda: [EXAMPLE], collected, run_folder),
    Target(
        "example_npy",
        "example.npz",
        lambda: [member(EXAMPLE, "image.npy")],
        collected,
        run_folder,
        wrap=rezipped(EXAMPLE, "image.npy"),
    ),
    *(Target(f"maps_{n}", n, lambda n=n: [map_file(n)], maps, map_folder) for n in ("fsc.csv", "resolution.csv", "done.json")),
]
