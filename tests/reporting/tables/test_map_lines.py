"""Maps find the reconstructions that they are made of."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from cryosense.metrics.row_columns import SCHEMA
from cryosense.reporting.tables.collect import collect
from cryosense.reporting.tables.collected_maps import finished_maps, resolution_lines
from cryosense.reporting.tables.map_lines import MASKS_ONLY, UNCOMPRESSED, joined, made_of, map_lines, map_words
from cryosense.reporting.tables.summary import summarise
from tests.reporting.tables.test_collected_maps import write_map
from tests.tasks.runs import RADIAL, write_sweep

MASKS = {"_target_": "cryosense.operators.masks.uniform"}


def write_config(folder: Path, path: str, operator: dict | None = None) -> None:
    (folder / "config.yaml").write_text(yaml.safe_dump({"data": {"path": path}, "operator": operator}))


def test_resolutions_join_the_line_of_their_method(tmp_path: Path) -> None:
    write_sweep(tmp_path)
    for name, path, operator in (
        ("tv", "elsewhere/radial_tv/particles.star", None),  # the directory was moved since
        ("full", "particles.star", None),
        ("masked", "particles.star", {"masks": MASKS, "symmetric": True, "compression": 2.5}),
        ("damaged", "particles.star", {"masks": 3}),
    ):
        write_map(tmp_path / "maps" / name, 8.0, crossed=True)
        write_config(tmp_path / "maps" / name, path, operator)
    collected = collect(tmp_path)
    maps = map_lines(finished_maps(tmp_path)[0], collected.runs, collected.rows)
    assert maps["reconstructor"].fillna("").tolist() == ["", UNCOMPRESSED, MASKS_ONLY, "tv"]
    lines = summarise(collected.rows, resamples=10, level=0.95, seed=0)
    wide = joined(lines, maps)
    assert len(wide) == len(lines)
    hit = wide[wide["half_maps_0143_angstrom"].notna()]
    assert hit[["operator", "reconstructor"]].to_numpy().tolist() == [["fourier", "tv"]]
    assert hit[["half_maps_0143_angstrom", "uncompressed_0143_angstrom", "equivalent_particles"]].iloc[0].tolist() == [
        8,
        9,
        12.4,
    ]
    shown = pd.DataFrame(map_words(maps)).set_index("maps")
    assert shown.loc["maps/tv", "C dof"] == "2.02"
    assert shown.loc["maps/masked", "operator"] == "fourier uniform, symmetric, C = 2.5 nominal"


def test_a_map_of_a_measurement_file_says_what_was_measured_and_its_bytes(tmp_path: Path) -> None:
    write_map(tmp_path / "maps" / "signs", 8.0)
    write_map(tmp_path / "maps" / "whole", 8.0)
    done = tmp_path / "maps" / "signs" / "done.json"
    measured = {"operator": "fourier", "masks": "full", "block_size": None, "symmetric": True, "compression_nominal": 1.0}
    measured |= {"quantiser": "sign last_shell=20", "bytes_per_particle": 203.7, "unknown": [1]}
    done.write_text(json.dumps(json.loads(done.read_text()) | {"measured": measured}))
    for name, path in (("signs", "signs.cryo.h5"), ("whole", "particles.star")):
        write_config(tmp_path / "maps" / name, path)
    maps = finished_maps(tmp_path)[0]
    lines = map_lines(maps, [], SCHEMA.empty_table().to_pandas())
    assert lines.set_index("maps")["reconstructor"].to_dict() == {"maps/signs": MASKS_ONLY, "maps/whole": UNCOMPRESSED}
    assert made_of(maps[0].directory, measured).startswith(f"{MASKS_ONLY}; fourier full, symmetric, C = 1 nominal, sign")
    shown = pd.DataFrame(map_words(lines)).set_index("maps")
    assert shown.loc["maps/signs", "operator"] == "fourier full, symmetric, C = 1 nominal, sign last_shell=20"
    assert shown["bytes"].to_dict() == {"maps/signs": "204", "maps/whole": ""}
    assert resolution_lines(maps).set_index("maps")["bytes"].to_dict() == {"maps/signs": "204", "maps/whole": ""}


def test_bytes_and_what_they_are_worth_come_first(tmp_path: Path) -> None:
    write_map(tmp_path / "maps" / "signs", 8.0, crossed=True)
    done = tmp_path / "maps" / "signs" / "done.json"
    done.write_text(json.dumps(json.loads(done.read_text()) | {"measured": {"bytes_per_particle": 203.7}}))
    write_config(tmp_path / "maps" / "signs", str(tmp_path / "signs.cryo.h5"))
    maps = finished_maps(tmp_path)[0]
    first = ["maps", "bytes", "equivalent particles", "particles"]
    (shown,) = map_words(map_lines(maps, [], SCHEMA.empty_table().to_pandas()))
    assert list(shown)[:4] == list(resolution_lines(maps).columns)[:4] == first
    assert (shown["bytes"], shown["equivalent particles"]) == ("204", "12")


def test_a_run_that_is_not_below_the_directory_is_found_by_its_path(tmp_path: Path) -> None:
    write_sweep(tmp_path / "runs")
    write_map(tmp_path / "maps" / "pinv", 8.0)
    write_config(tmp_path / "maps" / "pinv", str(tmp_path / "runs" / "radial_pinv" / "particles.star"))
    nothing = pd.DataFrame(columns=collect(tmp_path / "runs").rows.columns)
    maps = map_lines(finished_maps(tmp_path / "maps")[0], [], nothing)
    assert maps.loc[0, ["operator", "masks", "reconstructor"]].tolist() == [RADIAL["operator"], RADIAL["masks"], "pinv"]


def test_a_map_is_titled_by_its_images(tmp_path: Path) -> None:
    write_sweep(tmp_path / "runs")
    for name, path, operator in (
        ("tv", str(tmp_path / "runs" / "radial_tv" / "particles.star"), None),
        ("masked", "particles.star", {"masks": MASKS, "symmetric": True, "compression": 2.5}),
        ("whole", "particles.star", None),
    ):
        write_map(tmp_path / name, 8.0)
        write_config(tmp_path / name, path, operator)
    assert made_of(tmp_path / "tv", None) == "total variation; fourier radial, symmetric, C = 2.5 nominal"
    assert made_of(tmp_path / "masked", None) == f"{MASKS_ONLY}; fourier uniform, symmetric, C = 2.5 nominal"
    assert made_of(tmp_path / "whole", None) == UNCOMPRESSED
    assert made_of(tmp_path / "nowhere", None) == "images"


def test_without_maps_the_columns_are_there_and_empty(tmp_path: Path) -> None:
    write_sweep(tmp_path)
    rows = collect(tmp_path).rows
    lines = summarise(rows, resamples=10, level=0.95, seed=0)
    assert np.isnan(joined(lines, map_lines([], [], rows))["equivalent_particles"]).all()
