"""Verbs on a measurement file alone give what they give on the stack that was measured, bit for bit."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cryosense.data import ParticleStack
from tests.cli.test_measure import cryosense
from tests.measurement.file.stacks import write_many

MASKED = ["operator=fourier", "operator/masks=uniform", "operator.per_particle=true", "compression=2"]
PIXEL = ["operator=pixel", "compression=2"]


@pytest.fixture(scope="module")
def star(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_many(tmp_path_factory.mktemp("stack"), 60)


@pytest.fixture
def alone(star: Path, tmp_path: Path):
    """A function that measures the stack, and gives the file alone in a folder."""

    def measured(*words: str) -> Path:
        cryosense("measure", star, f"output={tmp_path}/made.cryo.h5", *words)
        folder = tmp_path / "elsewhere"
        folder.mkdir()
        return Path(shutil.move(tmp_path / "made.cryo.h5", folder / "a.cryo.h5"))

    return measured


def images(folder: Path) -> np.ndarray:
    (found,) = folder.glob("*/particles.mrcs")
    return ParticleStack.open(found)[:].numpy()


@pytest.mark.parametrize(
    ("measured_by", "method"),
    [
        ([*MASKED, "quantiser=float32"], ["reconstructor=pinv"]),
        ([*PIXEL, "quantiser=float32"], ["reconstructor=tv", "reconstructor.weight=0.1"]),
        (["design=full", "quantiser=sign"], ["reconstructor=pinv"]),
    ],
)
def test_reconstruct(star: Path, tmp_path: Path, alone, measured_by: list[str], method: list[str]) -> None:
    path = alone(*measured_by)
    common = [*method, "scores.lpips=null", "draw_example=false"]
    cryosense("reconstruct", f"data.path={path}", f"output_dir={tmp_path}/file", *common)
    cryosense("reconstruct", f"data.path={star}", f"output_dir={tmp_path}/stack", *measured_by, *common)
    assert np.array_equal(images(tmp_path / "file"), images(tmp_path / "stack"))
    (rows,) = (pd.read_parquet(each) for each in (tmp_path / "file").glob("*/rows.parquet"))
    (direct,) = (pd.read_parquet(each) for each in (tmp_path / "stack").glob("*/rows.parquet"))
    assert rows["psnr"].isna().all()
    assert direct["psnr"].notna().all()
    np.testing.assert_allclose(rows["measurement_mse"], direct["measurement_mse"])
    assert (rows["bytes_per_particle"] * 60 == path.stat().st_size).all()


@pytest.mark.parametrize("measured_by", [[*MASKED, "quantiser=float32"], ["design=full", "quantiser=by_shell"]])
def test_backproject(star: Path, tmp_path: Path, alone, measured_by: list[str]) -> None:
    path = alone(*measured_by)
    cryosense("backproject", f"data.path={path}", f"output_dir={tmp_path}/file")
    cryosense("backproject", f"data.path={star}", f"output_dir={tmp_path}/stack", *measured_by, "scaling=stack")
    one, other = ((tmp_path / each / "map.mrc").read_bytes()[1024:] for each in ("file", "stack"))
    assert one == other


def test_scores_need_the_reference(star: Path, tmp_path: Path, alone) -> None:
    path = alone("design=full")
    words = ("reconstruct", f"data.path={path}", f"output_dir={tmp_path}/out", "scores.lpips=null")
    assert "give reference" in cryosense(*words, "reconstructor=wiener", fails=True)
    assert "states how its particles were measured" in cryosense(*words, "quantiser=sign", fails=True)
    cryosense(*words, "reconstructor=wiener", f"data.reference={star}")
    (rows,) = (pd.read_parquet(each) for each in (tmp_path / "out").glob("*/rows.parquet"))
    assert rows["psnr"].notna().all()


def test_what_is_quantised_otherwise_is_another_line_with_bytes_of_its_own(star: Path, tmp_path: Path, alone) -> None:
    common = ["reconstructor=pinv", "scores.lpips=null", "draw_example=false", f"output_dir={tmp_path}/runs"]
    for quantiser in ("sign", "uniform"):
        cryosense("reconstruct", f"data.path={star}", "data.name=a", "design=full", f"quantiser={quantiser}", *common)
    path = alone("design=full", "quantiser=sign")
    cryosense("reconstruct", f"data.path={path}", f"data.reference={star}", *common)
    cryosense("backproject", f"data.path={path}", f"output_dir={tmp_path}/runs/maps")
    said = cryosense("collect", tmp_path / "runs")
    lines = pd.read_csv(tmp_path / "runs" / "table.csv").sort_values("bytes_per_particle")
    assert sorted(lines["quantiser"]) == ["sign", "sign", "uniform"]
    assert lines["images"].tolist() == [28, 28, 28]
    of_file = lines["bytes_per_particle"].notna()
    assert lines.loc[of_file, "bytes_per_particle"].tolist() == [path.stat().st_size / 60]
    assert f"{path.stat().st_size / 60:.0f}" in said
    assert pd.read_csv(tmp_path / "runs" / "maps.csv")["bytes"].tolist() == [round(path.stat().st_size / 60)]
