"""Where the work of a verb is done: refused in one line where it is not there, and elsewhere the same."""

from pathlib import Path

import mrcfile
import pandas as pd
import pytest
import torch

from cryosense.cli import building, reconstruct, validate
from cryosense.tasks.poses import alignment
from tests.cli.verbs import run_verb
from tests.pretended_device import DEVICE, pretended

SET = ["box_size=32", "pixel_size_angstrom=6.0", "density.resolution_angstrom=12.0", "count=40", "snr=0.5", "seed=1"]
STACK, MAP = "data.path=set/particles.star", "reference=set/volume.mrc"
MASKS = ["operator=fourier", "operator/masks=uniform", "operator.per_particle=true"]
VERBS = {
    "reconstruct": [STACK, "output_dir=out"],
    "measure": [STACK, "output=out.cryo.h5"],
    "backproject": [STACK, "output_dir=out"],
    "validate": [STACK, "output_dir=out", "reconstructor=pinv"],
    "align": [STACK, "output_dir=out", MAP, "reference_resolution_angstrom=30"],
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    with pytest.MonkeyPatch.context() as patch:
        run_verb(patch, "simulate", f"output_dir={folder}/set", *SET)
    return folder


@pytest.mark.parametrize("verb", VERBS)
def test_a_device_that_is_not_there_is_refused_before_any_work(
    verb: str, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.chdir(tmp_path)
    Path("set").symlink_to(data / "set")
    with pytest.raises(SystemExit) as refusal:
        run_verb(monkeypatch, verb, *VERBS[verb], "device=cuda")
    said = "device=cuda: torch finds no CUDA device here; give device=cpu, or auto for what there is"
    assert refusal.value.code == f"cryosense {verb}: {said}"
    assert [path.name for path in Path().iterdir()] == ["set"]


@pytest.mark.parametrize("method", ["pinv", "dct"])
def test_reconstructions_are_the_same_elsewhere(method: str, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(data)
    words = ["reconstruct", STACK, *MASKS, f"reconstructor={method}", "scores.lpips=null", "fitting.held_back=8"]
    rows, stacks = both(monkeypatch, [*words, "data.clean_path=set/clean.star"], f"out_{method}")
    columns = ["psnr", "ssim", "mse", "measurement_mse", "correlation_clean", "frc_area_clean", "compression_dof"]
    pd.testing.assert_frame_equal(rows[0][columns], rows[1][columns], rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(stacks[0], stacks[1], rtol=1e-4, atol=1e-4)


def both(monkeypatch: pytest.MonkeyPatch, words: list[str], output: str) -> tuple[list[pd.DataFrame], list[torch.Tensor]]:
    """-> rows and images of a run on the CPU and on the pretended device."""
    rows, stacks = [], []
    for place in ("cpu", "there"):
        if place == "there":
            for module in (building, reconstruct):
                monkeypatch.setattr(module, "device_named", lambda name: DEVICE)
            with pretended():
                run_verb(monkeypatch, *words, f"output_dir={output}/{place}")
        else:
            run_verb(monkeypatch, *words, f"output_dir={output}/{place}")
        [run] = Path(output, place).glob("fourier-*")
        rows.append(pd.read_parquet(run / "rows.parquet"))
        stacks.append(torch.from_numpy(mrcfile.read(run / "particles.mrcs").copy()))
    return rows, stacks


def test_poses_are_the_same_elsewhere(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(data)
    words = ["align", STACK, MAP, *MASKS, "reference_resolution_angstrom=30", "fineness.last_order=2", "iterations=1"]
    run_verb(monkeypatch, *words, "output_dir=poses/cpu")
    monkeypatch.setattr(alignment, "device_named", lambda name: DEVICE)
    with pretended():
        run_verb(monkeypatch, *words, "output_dir=poses/there")
    here, there = (pd.read_parquet(f"poses/{place}/poses.parquet") for place in ("cpu", "there"))
    pd.testing.assert_frame_equal(here, there, rtol=1e-4, atol=1e-3)


def test_validations_are_the_same_elsewhere(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(data)
    words = ["validate", STACK, MAP, *MASKS, "reconstructor=pinv", "cutoff_angstrom=20", "align_noise_to_angstrom=40"]
    run_verb(monkeypatch, *words, "output_dir=checks/cpu")
    for module in (building, validate):
        monkeypatch.setattr(module, "device_named", lambda name: DEVICE)
    with pretended():
        run_verb(monkeypatch, *words, "output_dir=checks/there")
    here, there = (pd.read_csv(f"checks/{place}/curves.csv") for place in ("cpu", "there"))
    pd.testing.assert_frame_equal(here, there, rtol=1e-3, atol=1e-3)
