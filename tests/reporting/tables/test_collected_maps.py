"""Finished back-projections below a directory become lines and curves; unfinished ones do not."""

import json
from pathlib import Path

import pandas as pd
import pytest

from cryosense.reporting.tables.collected_maps import finished_maps, map_curves, resolution_lines


def write_map(folder: Path, resolution: float, *, at_nyquist: bool = False, crossed: bool = False) -> None:
    folder.mkdir(parents=True)
    curves = pd.DataFrame({"frequency_per_angstrom": [0.0, 0.1], "corrected": [1.0, 0.1]})
    rows = [("corrected", 0.143, resolution, at_nyquist), ("corrected", 0.5, 99.0, False)]
    if crossed:
        curves["cross_half1"] = [1.0, 0.2]
        rows.append(("cross_half1", 0.143, resolution + 1, False))
    curves.to_csv(folder / "fsc.csv", index=False)
    columns = ["curve", "threshold", "resolution_angstrom", "at_nyquist"]
    pd.DataFrame(rows, columns=columns).to_csv(folder / "resolution.csv", index=False)
    worth = {"equivalent_particles": {"half_maps": 20.0, "cross": 12.4}} if crossed else {"equivalent_particles": None}
    (folder / "done.json").write_text(json.dumps({"particles": 30, **worth}))


def test_resolutions_stand_side_by_side(tmp_path: Path) -> None:
    write_map(tmp_path / "full", 7.0, at_nyquist=True)
    write_map(tmp_path / "runs" / "pinv", 9.5, crossed=True)
    write_map(tmp_path / "unfinished", 5.0)
    (tmp_path / "unfinished" / "done.json").unlink()
    maps, _ = finished_maps(tmp_path)
    lines = resolution_lines(maps).set_index("maps")
    assert lines.index.tolist() == ["full", "runs/pinv"]
    assert lines.loc["full"].tolist() == ["", 30, "≤ 7.00 Å (Nyquist)", "", ""]
    assert lines.loc["runs/pinv"].tolist() == ["12", 30, "9.50 Å", "10.50 Å", ""]
    panels = map_curves(maps).axes
    assert [len(axes.lines) - 2 for axes in panels] == [2, 1]  # two thresholds in each


def test_a_directory_without_maps_has_none(tmp_path: Path) -> None:
    assert finished_maps(tmp_path) == ([], [])


@pytest.mark.parametrize("frequency", [[0.1, 0.0], [0.0, 0.0], [-0.1, 0.1], [0.0, float("nan")], [0.0, 1e-320]])
def test_curves_over_frequencies_that_do_not_rise_are_damaged(tmp_path: Path, frequency: list[float]) -> None:
    write_map(tmp_path / "good", 7.0)
    write_map(tmp_path / "bad", 7.0)
    pd.DataFrame({"frequency_per_angstrom": frequency, "corrected": [1.0, 0.1]}).to_csv(
        tmp_path / "bad" / "fsc.csv", index=False
    )
    found, damaged = finished_maps(tmp_path)
    assert [each.directory.name for each in found] == ["good"]
    ((folder, why),) = damaged
    assert folder.name == "bad"
    assert "holds no curves over shells" in why
