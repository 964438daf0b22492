"""The answer names the best method beside its dull rivals, and what it costs."""

from pathlib import Path

import pandas as pd

from cryosense.reporting.report.answer import answer
from cryosense.reporting.tables.collect import collect
from cryosense.reporting.tables.map_lines import EQUIVALENT
from cryosense.reporting.tables.summary import summarise
from tests.reporting.report.test_page import Page
from tests.tasks.runs import RADIAL, write_run, write_sweep

# Of the made-up methods zero filling keeps the frequencies that hold signal; the pseudo-inverse keeps the most of all.
WORDS = ["zero-filled: correlation 0.9", "lowest frequencies: correlation", "pseudo-inverse: correlation"]
WORDS += ["pseudo-inverse: psnr", "lowest frequencies: psnr"]


def words(directory: Path, maps: pd.DataFrame) -> str:
    rows = collect(directory).rows
    return Page(answer(summarise(rows, resamples=20, level=0.95, seed=0), maps)).text


def test_the_best_stands_beside_its_dull_rivals(tmp_path: Path) -> None:
    write_sweep(tmp_path)
    write_run(tmp_path / "radial_crop", RADIAL, "fourier_crop", kept=16)
    said = words(tmp_path, pd.DataFrame())
    assert "2.02 times fewer numbers than pixels" in said
    radial = said.partition("fourier radial")[2].partition("pixel random_binary")[0]
    best, crop, own, copied, beside = (radial.index(word) for word in WORDS)
    assert best < crop < own < copied < beside


def test_maps_are_told_by_what_their_particles_are_worth(tmp_path: Path) -> None:
    write_sweep(tmp_path)
    line = {"maps": "maps/bits", "run_id": None, "reconstructor": "uniform quantiser", "particles": 200, EQUIVALENT: 172.0}
    said = words(tmp_path, pd.DataFrame([line, line | {"maps": "maps/all", "reconstructor": "uncompressed"}]))
    assert "The map maps/bits (uniform quantiser) is worth 86% of its 200 particles, uncompressed." in said
    assert "maps/all" not in said
