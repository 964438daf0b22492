"""``cryosense reconstruct reconstructor=posterior`` through its real command line: samples, deviations, chunks, refusals."""

import sys
from pathlib import Path

import mrcfile
import numpy as np
import pandas as pd
import pytest
import torch
from diffusers import DDPMPipeline, UNet2DModel

from cryosense.cli.reconstruct import main
from tests.cli.stacks import noise_stack
from tests.cli.verbs import refusal
from tests.training.networks import TINY, scheduler

COUNT, BOX = 12, 32
QUICK = ["scores.lpips=null", "fitting.held_back=4", "reconstructor=posterior", "reconstructor.network_evaluations=3"]


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    return noise_stack(tmp_path, COUNT, BOX)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = UNet2DModel(**(TINY | {"sample_size": BOX}))
    DDPMPipeline(unet=network, scheduler=scheduler()).save_pretrained(tmp_path / "model")
    return tmp_path / "model"


def run(monkeypatch: pytest.MonkeyPatch, stack: Path, output: Path, *words: str) -> None:
    monkeypatch.setattr(sys, "argv", ["x", *QUICK, f"data.path={stack}", f"output_dir={output}", *words])
    main()


def files(output: Path, name: str) -> list[Path]:
    return sorted(output.glob(f"*/{name}"))


def test_mean_deviation_and_samples_are_written_and_chunks_make_no_difference(
    stack: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = [f"denoiser.model.path={model}", "reconstructor.samples=3", "write_samples=true", "operator.per_particle=true"]
    for chunk in (12, 5):
        run(monkeypatch, stack, tmp_path / str(chunk), *words, f"chunk_size={chunk}")
    for name in ("particles.mrcs", "deviation.mrcs", "sample_000.mrcs", "sample_002.mrcs"):
        whole, parts = (files(tmp_path / chunk, name) for chunk in ("12", "5"))
        assert whole[0].read_bytes() == parts[0].read_bytes()
    images = [mrcfile.read(path) for path in files(tmp_path / "12", "sample_*.mrcs")]
    np.testing.assert_allclose(
        np.mean(images, 0), mrcfile.read(files(tmp_path / "12", "particles.mrcs")[0]), rtol=1e-5, atol=1e-4
    )
    deviation = mrcfile.read(files(tmp_path / "12", "deviation.mrcs")[0])
    np.testing.assert_allclose(np.std(images, 0, ddof=1), deviation, rtol=1e-4, atol=1e-4)
    rows = pd.read_parquet(files(tmp_path / "12", "rows.parquet")[0])
    assert rows[["reconstructor", "prior", "sampler", "samples", "nfe"]].drop_duplicates().to_numpy().tolist() == [
        ["posterior", "ddpm", "stationary", 3, 9]
    ]
    assert (rows["seconds"] > 0).all()
    assert (rows["measurement_mse"] < 1e-6).all()  # what was measured without noise is kept


def test_clean_images_are_sampled_where_they_are_known_and_where_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The noise of the particles is noise of the measurement: samples have hardly more variance than the clean images."""
    data = ["data=simulated", 'data.overrides=["count=40"]', f"data.directory={tmp_path / 'data'}", "denoiser=gaussian_clean"]
    for target in ("clean", "measured"):
        words = ["x", *QUICK, *data, f"fitting.target={target}", f"output_dir={tmp_path / target}", "scaling=as_is"]
        monkeypatch.setattr(sys, "argv", [word for word in words if word != "fitting.held_back=4"])
        main()
        made = mrcfile.read(files(tmp_path / target, "particles.mrcs")[0])
        clean, noisy = (mrcfile.read(tmp_path / "data" / f"{name}.mrcs") for name in ("clean", "particles"))
        assert clean.var() / 2 < made.var() < 2 * clean.var() < noisy.var()


@pytest.mark.parametrize("sampler", ["stationary", "pigdm", "jacobian", "ddnm", "diffpir", "dps", "nesterov"])
def test_every_sampler_runs_on_both_domains(
    stack: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sampler: str
) -> None:
    for words in (["operator=pixel", "compression=2"], ["operator=fourier", "noise=gaussian"]):
        run(monkeypatch, stack, tmp_path / "out", f"sampler={sampler}", f"denoiser.model.path={model}", *words)
    rows = pd.concat(map(pd.read_parquet, files(tmp_path / "out", "rows.parquet")))
    assert len(rows) == 2 * COUNT
    assert np.isfinite(rows["psnr"]).all()


def test_models_that_do_not_fit_are_refused_in_one_line(
    stack: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = model / "unet" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:500])
    cases = {
        "a model of images of 64 px, the particles have 32 px": [],
        "cannot be read: download or train it again": [f"denoiser.model.path={model}"],
        "no such folder, and it is not a hub id": ["denoiser.model.path=nowhere"],
        "does not state the spectrum": ["denoiser=gaussian", f"denoiser.model.path={model}"],
    }
    for message, words in cases.items():
        assert message in refusal(run, monkeypatch, stack, tmp_path / "out", *words)
    assert not (tmp_path / "out").exists()


def test_the_shipped_model_and_its_control_open_by_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = [
        'data.overrides=["count=6"]',
        f"data.directory={tmp_path / 'data'}",
        "fitting.held_back=2",
        "denoiser=ddpm,gaussian",
    ]
    words = ["x", "-m", *QUICK, f"output_dir={tmp_path / 'out'}", *small]
    monkeypatch.setattr(sys, "argv", [word for word in words if word != "fitting.held_back=4"])
    main()
    rows = pd.concat(map(pd.read_parquet, files(tmp_path / "out", "rows.parquet")))
    assert set(rows["prior"]) == {"ddpm", "gaussian"}
