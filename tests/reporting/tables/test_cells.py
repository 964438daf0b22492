"""Cells without rows: named by their configuration, with what became of them."""

import json
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from cryosense.cli.conf_dir import conf_dir
from cryosense.reporting.tables.cells import cell_label, missing_cells, what_became_of

ERROR = {"error": "weight must be positive\nnot -1", "type": "ValueError", "traceback": "...", "time": "2026-01-01T00:00:00"}


@pytest.mark.parametrize(
    ("overrides", "label"),
    [
        (["reconstructor=pinv", "operator=pixel", "compression=8"], "pinv, random_binary, K = 4, C = 8"),
        (["reconstructor=tv", "reconstructor.weight=0.5", "operator/masks=ring"], "tv w=0.5, ring, C = 2.5"),
        (["reconstructor=posterior", "denoiser=gaussian"], "posterior gaussian, radial, C = 2.5"),
    ],
)
def test_a_cell_is_named_by_the_configuration_of_its_run(overrides: list[str], label: str, tmp_path: Path) -> None:
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        cfg = compose("reconstruct", overrides=overrides)
    plain = OmegaConf.create({key: OmegaConf.to_container(cfg, resolve=True)[key] for key in cfg if key != "hydra"})
    OmegaConf.save(plain, tmp_path / "config.yaml")
    assert cell_label(tmp_path) == label


@pytest.mark.parametrize("text", [None, "", "operator: null", "- 1", "{", "operator: {masks: 3}\nreconstructor: 4"])
def test_a_configuration_that_does_not_say_gives_no_name(text: str | None, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "config.yaml").write_text(text)
    assert cell_label(tmp_path) == ""


def test_a_failure_is_told_from_an_interruption_and_both_from_an_end(tmp_path: Path) -> None:
    assert what_became_of(tmp_path) == "unfinished: start the same run again to go on with it"
    (tmp_path / "error.json").write_text(json.dumps(ERROR))
    assert what_became_of(tmp_path) == "failed: ValueError: weight must be positive"
    (tmp_path / "error.json").write_text("[]")
    assert str(what_became_of(tmp_path)).startswith("failed, and its error.json")
    (tmp_path / "done.json").write_text("{}")
    assert what_became_of(tmp_path) is None


def test_cells_that_a_sweep_promises_and_that_are_not_there(tmp_path: Path) -> None:
    (tmp_path / "begun").mkdir()
    sweep = tmp_path / "sweep.json"
    sweep.write_text(json.dumps({"cells": ["begun", "never"]}))
    [(path, reason)] = missing_cells(tmp_path, sweep)
    assert (path.name, reason.split(":")[0]) == ("never", "missing")
    sweep.write_text('{"cells": 3}')
    [(path, reason)] = missing_cells(tmp_path, sweep)
    assert (path.name, reason.split(",")[0]) == ("sweep.json", "damaged")
