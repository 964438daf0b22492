"""Runs whose rows look alike and whose settings differ are lines of their own; repetitions are one."""

from functools import partial
from pathlib import Path

import pandas as pd
import pytest
import yaml

from cryosense.reporting.tables.collect import collect
from cryosense.reporting.tables.guidance import Guidance
from cryosense.reporting.tables.run_tables import RunTables
from tests.tasks.runs import IMAGES, PIXEL, RADIAL, write_run

OWN = {"operator": "binning", "masks": None, "block_size": None, "symmetric": None, "compression_nominal": 4.0}


def write(run: Path, measured: dict, method: str, kept: int, **nodes: object) -> None:
    write_run(run, measured, method, kept=kept)
    (run / "config.yaml").write_text(yaml.safe_dump({"operator": {"name": "x"}, "fitting": {"target": "measured"}} | nodes))


def lines_of(folder: Path) -> pd.DataFrame:
    return RunTables.of(collect(folder), [], Guidance(resamples=50), 6).lines


def test_a_method_with_two_settings_is_two_lines_on_every_operator(tmp_path: Path) -> None:
    """Also where one of the two is missing; the pseudo-inverse, which differs by what it does not use, stays one."""
    for name, operator, several in (("pixel", PIXEL, (3, 30)), ("radial", RADIAL, (3,))):
        for steps in several:
            settings = {"reconstructor": {"_target_": "mine.Landweber", "steps": steps, "seed": steps}}
            write(tmp_path / f"{name}{steps}", operator, "landweber", kept=8 + steps // 3, **settings)
        for target in ("measured", "clean"):
            write(tmp_path / f"{name}_{target}", operator, "pinv", kept=20, fitting={"target": target})
    lines = lines_of(tmp_path)
    assert lines["reconstructor"].tolist() == ["pinv", "landweber steps=3", "pinv", "landweber steps=3", "landweber steps=30"]
    assert lines["runs"].tolist() == [2, 1, 2, 1, 1]
    assert lines["psnr_beats_pinv"].tolist() == ["", "no", "", "no", "no"]


def test_an_operator_with_two_settings_is_two_operators_each_with_its_own_pseudo_inverse(tmp_path: Path) -> None:
    for strength, kept in ((1, 20), (2, 12)):
        settings = {"operator": {"name": "binning", "make": {"strength": strength}, "seed": strength}}
        for method in ("pinv", "copy"):
            write(tmp_path / f"{method}{strength}", OWN, method, kept, **settings)
    lines = lines_of(tmp_path)
    assert lines["operator"].unique().tolist() == ["binning make.strength=1", "binning make.strength=2"]
    assert lines["d_psnr_vs_pinv"].abs().max() == 0
    assert lines["psnr"].nunique() == 2


def test_what_spends_the_budget_of_an_operator_stands_beside_its_methods(tmp_path: Path) -> None:
    """With settings of its own only where two of its kind differ by them."""
    operator = {"name": "radial", "sectors": 100}
    rivals = [("quantised", {}), ("fourier_crop", {"widest": 2}), ("fourier_crop", {"widest": 3})]
    write(tmp_path / "pinv", RADIAL, "pinv", 20, operator=operator, design=None)
    for name, own in rivals:
        spent = {"budget_of": dict(operator)} | own
        quantiser = {"budget_of": dict(operator), "name": name}
        write(
            tmp_path / f"{name}{own}",
            RADIAL,
            name,
            4 * own.get("widest", 1),
            operator=dict(operator),
            design=spent,
            quantiser=quantiser,
        )
    lines = lines_of(tmp_path)
    assert lines["masks"].unique().tolist() == [RADIAL["masks"]]
    names = ["fourier_crop design.widest=2", "fourier_crop design.widest=3", "pinv", "quantised"]
    assert sorted(lines["reconstructor"]) == names
    assert lines["d_psnr_vs_pinv"].notna().all()


def test_a_design_in_the_place_of_the_operator_is_told_and_the_operator_is_not(tmp_path: Path) -> None:
    for width in (2, 3):
        write(tmp_path / f"{width}", PIXEL, "pinv", 20, operator={"unused": width}, design={"name": "own", "width": width})
    assert lines_of(tmp_path)["masks"].tolist() == [f"random_binary design.width={width}" for width in (2, 3)]


@pytest.mark.parametrize(
    ("column", "one", "other", "name"),
    [
        ("masks", {"operator": {"per_particle": False}}, {"operator": {"per_particle": True}}, "random_binary per_particle="),
        ("data", {"scaling": {"deviations": 3.0}}, {"scaling": {"deviations": 4.0}}, "made_up scaling.deviations="),
        ("quantiser", {"quantiser": {"step": 1}}, {"quantiser": {"step": 2}}, "step="),
        ("quantiser", {"noise": {"_target_": "a.Poisson"}}, {"noise": {"_target_": "a.Gaussian"}}, "noise="),
    ],
)
def test_what_else_is_told(tmp_path: Path, column: str, one: dict, other: dict, name: str) -> None:
    for run, settings in (("one", one), ("other", other)):
        write(tmp_path / run, PIXEL, "pinv", 20, **settings)
    found = lines_of(tmp_path)[column].tolist()
    assert len(set(found)) == 2
    assert all(each.startswith(name) for each in found)


def test_a_setting_of_a_method_that_changed_nothing_is_not_told(tmp_path: Path) -> None:
    for target in ("measured", "clean"):
        write(tmp_path / target, PIXEL, "tv", kept=8, fitting={"target": target})
    assert lines_of(tmp_path)["reconstructor"].tolist() == ["tv"]
    assert lines_of(tmp_path)["images"].tolist() == [IMAGES]


def test_seeds_and_weights_are_no_settings_and_nothing_is_told_of_what_cannot_be_read(tmp_path: Path) -> None:
    add = partial(write, measured=PIXEL, method="tv")
    for seed in (0, 1):
        add(tmp_path / f"{seed}", kept=8 + 4 * seed, reconstructor={"weight": 0.1 * (seed + 1), "seed": seed})
    add(tmp_path / "damaged", kept=6)
    (tmp_path / "damaged" / "config.yaml").write_text("a: &b [*b]")
    assert lines_of(tmp_path)["runs"].tolist() == [3]


def test_long_settings_are_cut_and_still_told_apart(tmp_path: Path) -> None:
    for end in ("one", "two"):
        write(tmp_path / end, PIXEL, "tv", kept=8 + len(end) * (end == "two"), reconstructor={"path": "x" * 300 + end})
    names = lines_of(tmp_path)["reconstructor"].tolist()
    assert len(set(names)) == 2
    assert all(len(name) < 130 for name in names)
