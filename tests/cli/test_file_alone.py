"""From an empty directory with nothing but the file, verbs give what one pass over the original gives, bit for bit."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from diffusers import DDPMPipeline, UNet2DModel

from cryosense.data import ParticleStack
from tests.cli.test_measure import cryosense
from tests.measurement.file.stacks import write_many
from tests.training.networks import TINY, scheduler

FOURIER, PIXEL, EACH = "operator=fourier", "operator=pixel", "operator.per_particle=true"
OPERATORS = {
    "all coefficients": ["design=full"],
    "all pixels": ["design=full", "design.domain=pixel"],
    "radial each": [FOURIER, "operator/masks=radial", EACH],
    "uniform each": [FOURIER, "operator/masks=uniform", EACH, "compression=2"],
    "papers": [FOURIER, "operator/masks=uniform", "operator.symmetric=false"],
    "random binary each": [PIXEL, "operator/masks=random_binary", EACH, "compression=4"],
    "signed binning each": ["operator=signed_binning", "compression=4", EACH],
    "low frequencies": [FOURIER, "design=fourier_crop"],
}
FEW = "method.max_iterations=20"
METHODS = {
    "pinv": ["reconstructor=pinv"],
    "zero_filled": ["reconstructor=zero_filled"],
    "dct": ["reconstructor=dct", "reconstructor.weight=0.1", FEW],
    "tv": ["reconstructor=tv", "reconstructor.weight=0.1", FEW],
    "wavelet by FISTA": ["reconstructor=wavelet", "reconstructor.weight=0.1", "method=fista", FEW],
}
QUANTISERS = {
    "float32": ["quantiser=float32"],
    "float16": ["quantiser=float16", "quantiser.coded=true"],
    "uniform": ["quantiser=uniform"],
    "trellis": ["quantiser=trellis"],
    "dithered": ["quantiser=uniform", "quantiser.step=1.5", "quantiser.dither=true"],
    "4 levels": ["quantiser=lloyd_max", "quantiser.coded=false"],
    "sign": ["quantiser=sign"],
}
QUICK = ["scores.lpips=null", "draw_example=false"]
# All measurements that files hold are those of one pass, by tests/measurement/file/test_file.py; here each method once.
CASES = [
    ("radial each", "pinv", "float32"),
    ("papers", "zero_filled", "uniform"),
    ("signed binning each", "dct", "float32"),
    ("random binary each", "tv", "4 levels"),
    ("all pixels", "wavelet by FISTA", "float16"),
    ("uniform each", "pinv", "dithered"),
    ("low frequencies", "pinv", "sign"),
]
BACKPROJECTED = [
    ("uniform each", "float32"),
    ("random binary each", "sign"),
    ("all coefficients", "dithered"),
    ("uniform each", "trellis"),
]


@pytest.fixture(scope="module")
def star(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_many(tmp_path_factory.mktemp("stack"), 24)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = UNet2DModel(**TINY)
    path = tmp_path_factory.mktemp("model")
    DDPMPipeline(unet=network, scheduler=scheduler()).save_pretrained(path)
    return path


@pytest.fixture
def alone(star: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A function that measures the stack, and goes to a folder in which there is the file and nothing else."""

    def measured(*words: str) -> None:
        cryosense("measure", star, f"output={tmp_path}/made.cryo.h5", *words)
        (tmp_path / "elsewhere").mkdir()
        shutil.move(tmp_path / "made.cryo.h5", tmp_path / "elsewhere" / "a.cryo.h5")
        star.rename(star.with_suffix(".away"))
        star.with_suffix(".mrcs").rename(star.with_suffix(".mrcs.away"))
        monkeypatch.chdir(tmp_path / "elsewhere")

    yield measured
    if star.with_suffix(".away").exists():
        star.with_suffix(".away").rename(star)
        star.with_suffix(".mrcs.away").rename(star.with_suffix(".mrcs"))


def images(folder: Path) -> np.ndarray:
    (found,) = folder.glob("*/particles.mrcs")
    return ParticleStack.open(found)[:].numpy()


@pytest.mark.parametrize(("operator", "method", "quantiser"), CASES)
def test_reconstruct(star: Path, tmp_path: Path, alone, operator: str, method: str, quantiser: str) -> None:
    words = [*METHODS[method], *QUICK]
    how = [*OPERATORS[operator], *QUANTISERS[quantiser]]
    cryosense("reconstruct", f"data.path={star}", f"output_dir={tmp_path}/stack", *how, *words)
    alone(*how)
    cryosense("reconstruct", "data.path=a.cryo.h5", "output_dir=out", *words)
    assert np.array_equal(images(Path("out")), images(tmp_path / "stack"))
    rows, direct = (pd.read_parquet(next(at.glob("*/rows.parquet"))) for at in (Path("out"), tmp_path / "stack"))
    assert rows["measurement_mse"].tolist() == direct["measurement_mse"].tolist()
    assert rows["psnr"].isna().all()


@pytest.mark.parametrize(("operator", "quantiser"), BACKPROJECTED)
def test_backproject(star: Path, tmp_path: Path, alone, operator: str, quantiser: str) -> None:
    how = [*OPERATORS[operator], *QUANTISERS[quantiser]]
    cryosense("backproject", f"data.path={star}", f"output_dir={tmp_path}/stack", *how, "scaling=stack")
    alone(*how)
    cryosense("backproject", "data.path=a.cryo.h5", "output_dir=out")
    for name in ("map.mrc", "half1.mrc", "half2.mrc"):
        one, other = ((at / name).read_bytes()[1024:] for at in (Path("out"), tmp_path / "stack"))
        assert one == other
    assert Path("out/fsc.csv").read_text() == (tmp_path / "stack" / "fsc.csv").read_text()


LEARNING = {
    "wiener": ["reconstructor=wiener"],
    "posterior": ["reconstructor=posterior", "reconstructor.network_evaluations=2", "denoiser.model.path=MODEL"],
    "a weight to be chosen": ["reconstructor=dct", FEW, "fitting.score=psnr", "fitting.relative_weights=[0.1,1]"],
}


@pytest.mark.parametrize("method", LEARNING)
def test_methods_that_learn_from_images_take_the_originals(star: Path, model: Path, tmp_path: Path, method: str) -> None:
    how = [*OPERATORS["uniform each"], "quantiser=uniform"]
    words = [word.replace("MODEL", str(model)) for word in LEARNING[method]] + ["fitting.held_back=8", *QUICK]
    cryosense("measure", star, f"output={tmp_path}/a.cryo.h5", *how)
    cryosense("reconstruct", f"data.path={star}", f"output_dir={tmp_path}/stack", *how, *words)
    at = [f"data.path={tmp_path}/a.cryo.h5", f"output_dir={tmp_path}/out"]
    assert "reference" in cryosense("reconstruct", *at, *words, fails=True)
    cryosense("reconstruct", *at, *words, f"data.reference={star}")
    assert np.array_equal(images(tmp_path / "out"), images(tmp_path / "stack"))


CHECKS = ["reconstructor=pinv", "cutoff_angstrom=22", "scores.lpips=null"]


def test_validate(star: Path, tmp_path: Path, alone) -> None:
    how = [*OPERATORS["uniform each"], "quantiser=sign"]
    cryosense("validate", f"data.path={star}", f"output_dir={tmp_path}/stack", *how, *CHECKS, "scaling=stack")
    shutil.copytree(star.parent, tmp_path / "originals")
    original = f"data.reference={tmp_path}/originals/{star.name}"
    alone(*how)
    cryosense("validate", "data.path=a.cryo.h5", "output_dir=out", *CHECKS)
    cryosense("validate", "data.path=a.cryo.h5", "output_dir=known", *CHECKS, original)
    direct, out, known = (pd.read_csv(at / "curves.csv") for at in (tmp_path / "stack", Path("out"), Path("known")))
    pd.testing.assert_frame_equal(known, direct)  # what was measured, beside the originals
    assert out["particles, compressed, half maps"].tolist() == direct["particles, compressed, half maps"].tolist()
    assert out.notna().all(axis=None)
    assert Path("out/validation.png").stat().st_size > 10_000


SOLVER = ["model=unrolled", "model/loss=split", "network.iterations=1", "steps=2", "batch_size=4", "training.validate_every=2"]


@pytest.mark.filterwarnings("ignore")  # Lightning's, of other libraries and of small data
def test_a_solver_is_trained_by_the_file_alone_and_reconstructs_from_it(star: Path, tmp_path: Path, alone) -> None:
    alone("design=full", "quantiser=uniform")
    cryosense("train", "data=stack", "data.path=a.cryo.h5", "output_dir=solver", *SOLVER)
    words = ["reconstructor=unrolled", "reconstructor.path=solver/model", *QUICK]
    cryosense("reconstruct", "data.path=a.cryo.h5", "output_dir=out", *words)
    assert np.isfinite(images(Path("out"))).all()


@pytest.mark.filterwarnings("ignore")  # Lightning's, of other libraries and of small data
def test_through_masks_a_solver_is_trained_by_what_they_measured(star: Path, tmp_path: Path, alone) -> None:
    alone(*OPERATORS["uniform each"], "quantiser=float32")
    words = ["data=stack", "data.path=a.cryo.h5", "output_dir=solver"]
    for more, said in (
        (["model=ddpm"], "lack what was not measured"),
        ([*SOLVER, "model/loss=measured"], "lack what was not measured"),
        (SOLVER, "augmentation=none"),
        ([*SOLVER, "augmentation=none", "model.loss.noise=estimated"], "noise=estimated looks for noise in the corners"),
        ([*SOLVER, "augmentation=none", "compression=[2,3]"], "leave it out"),
    ):
        assert said in cryosense("train", *words, *more, fails=True)
    assert not Path("solver").exists()
    cryosense("train", *words, *SOLVER, "augmentation=none")
    words = ["reconstructor=unrolled", "reconstructor.path=solver/model", *QUICK]
    cryosense("reconstruct", "data.path=a.cryo.h5", "output_dir=out", *words)
    assert np.isfinite(images(Path("out"))).all()
