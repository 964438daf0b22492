"""Sections of maps: the middle one, and a word on those that cannot be read."""

from pathlib import Path

import mrcfile
import numpy as np
import pandas as pd

from cryosense.reporting.report.slices import map_sections
from cryosense.reporting.tables.collected_maps import FinishedMap


def made(directory: Path, name: str, volume: np.ndarray | None) -> FinishedMap:
    folder = directory / name
    folder.mkdir()
    if volume is not None:
        with mrcfile.new(folder / "map.mrc") as mrc:
            mrc.set_data(volume.astype(np.float32))
    return FinishedMap(name, folder, {}, pd.DataFrame(), pd.DataFrame())


def test_the_middle_section_is_shown_and_what_cannot_be_is_told(tmp_path: Path) -> None:
    volume = np.random.default_rng(0).normal(size=(6, 8, 8))
    maps = [made(tmp_path, "good $x_", volume), made(tmp_path, "none", None), made(tmp_path, "flat", volume[0])]
    maps += [made(tmp_path, "infinite", volume), made(tmp_path, "text", None)]
    np.memmap(tmp_path / "infinite" / "map.mrc", np.float32, "r+", offset=1024)[:] = np.inf
    (tmp_path / "text" / "map.mrc").write_text("no map")
    figure, unreadable = map_sections(maps, {})
    assert figure is not None
    np.testing.assert_array_equal(figure.axes[0].images[0].get_array(), volume[3].astype(np.float32))
    assert figure.axes[0].get_title() == "good $x_: images"
    assert [reason.split(":")[0] for reason in unreadable] == ["none", "flat", "infinite", "text"]


def test_nothing_to_show(tmp_path: Path) -> None:
    figure, unreadable = map_sections([made(tmp_path, "none", None)], {})
    assert figure is None
    assert len(unreadable) == 1
