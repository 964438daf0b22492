"""Where the work of a verb is done: refused in one line where it is not there, and elsewhere the same."""

from pathlib import Path
from types import ModuleType

import mrcfile
import pandas as pd
import pytest
import torch

from cryosense.alignment import angles_between_deg
from cryosense.cli import building, reconstruct, validate
from cryosense.tasks.poses import alignment
from cryosense.volumes.poses import rotation_matrices
from tests.cli.verbs import run_verb
from tests.devices import ON_EACH_DEVICE, there

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


def test_to_compile_a_network_is_refused_where_there_is_none(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(data)
    with pytest.raises(SystemExit) as refusal:
        run_verb(monkeypatch, "reconstruct", STACK, f"output_dir={tmp_path}", "scores.lpips=null", "compile=true")
    assert str(refusal.value.code).endswith("compile=true: this reconstructor runs no network: leave compile=false")


@pytest.mark.parametrize("method", ["pinv", "dct"])
@ON_EACH_DEVICE
def test_reconstructions_are_the_same_elsewhere(
    method: str, device: str, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(data)
    words = ["reconstruct", STACK, *MASKS, f"reconstructor={method}", "scores.lpips=null", "fitting.held_back=8"]
    folders = both(monkeypatch, [*words, "data.clean_path=set/clean.star"], tmp_path, device, (building, reconstruct))
    runs = [next(folder.glob("fourier-*")) for folder in folders]
    rows = [pd.read_parquet(run / "rows.parquet") for run in runs]
    stacks = [torch.from_numpy(mrcfile.read(run / "particles.mrcs").copy()) for run in runs]
    columns = ["psnr", "ssim", "mse", "measurement_mse", "correlation_clean", "frc_area_clean", "compression_dof"]
    pd.testing.assert_frame_equal(rows[0][columns], rows[1][columns], rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(stacks[0], stacks[1], rtol=1e-4, atol=1e-4)


def both(
    monkeypatch: pytest.MonkeyPatch, words: list[str], into: Path, device: str, modules: tuple[ModuleType, ...]
) -> list[Path]:
    """-> the folders of a run on the CPU and of one on the device, which the modules take for that of any name."""
    run_verb(monkeypatch, *words, "device=cpu", f"output_dir={into}/cpu")
    with there(device) as somewhere:
        for module in modules:
            monkeypatch.setattr(module, "device_named", lambda name: somewhere)
        run_verb(monkeypatch, *words, f"output_dir={into}/there")
    return [into / "cpu", into / "there"]


# What rounding can do to a pose. Rotations are weighed by exp of a likelihood, a sum in float32 over all coefficients: 1e-4 of
# each weight. Weights decide which rotations a finer grid is laid about, so that an image of which little is known (here the
# median spread is 38 degrees) may be looked at elsewhere: on an H100 rot was up to 10 degrees apart, 0.05 in the median.
MEDIAN_TURN_DEGREES = 0.5
MOST_OVER_SPREAD = 1.5


@ON_EACH_DEVICE
def test_poses_are_the_same_elsewhere(device: str, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(data)
    words = ["align", STACK, MAP, *MASKS, "reference_resolution_angstrom=30", "fineness.last_order=2", "iterations=1"]
    here, elsewhere = (
        pd.read_parquet(folder / "poses.parquet") for folder in both(monkeypatch, words, tmp_path, device, (alignment,))
    )
    if device == "pretended":
        pd.testing.assert_frame_equal(here, elsewhere, rtol=1e-4, atol=1e-3)
    else:
        angles = ["rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi"]
        rotations = [rotation_matrices(torch.tensor(table[angles].to_numpy())) for table in (here, elsewhere)]
        turned = angles_between_deg(*rotations, torch.eye(3)[None])
        spread = torch.tensor(here["cryosenseAngularSpread"].to_numpy())
        assert float(turned.median()) < MEDIAN_TURN_DEGREES
        assert bool((turned <= MOST_OVER_SPREAD * spread.clamp_min(1.0)).all())


# Noise that is aligned has poses that nothing decides (see above), and the maps of these. On an H100: 0.003 at most.
ALIGNED_NOISE = 0.02


@ON_EACH_DEVICE
def test_validations_are_the_same_elsewhere(device: str, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(data)
    words = ["validate", STACK, MAP, *MASKS, "reconstructor=pinv", "cutoff_angstrom=20", "align_noise_to_angstrom=40"]
    here, elsewhere = (
        pd.read_csv(folder / "curves.csv") for folder in both(monkeypatch, words, tmp_path, device, (building, validate))
    )
    aligned = [name for name in here if "aligned" in name]
    assert aligned
    tolerance = 1e-3 if device == "pretended" else ALIGNED_NOISE
    pd.testing.assert_frame_equal(here[aligned], elsewhere[aligned], rtol=0, atol=tolerance)
    others = [name for name in here if name not in aligned]
    pd.testing.assert_frame_equal(here[others], elsewhere[others], rtol=1e-3, atol=1e-3)
