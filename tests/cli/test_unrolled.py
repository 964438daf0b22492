"""Unrolled solvers through the verbs: trained, continued to the same weights, reconstructing, refusing."""

import json
import shutil
import sys
from pathlib import Path

import pandas as pd
import pytest
import torch
from hydra import compose, initialize_config_dir
from safetensors.torch import load_file

from cryosense.cli.conf_dir import conf_dir
from cryosense.cli.reconstruct import main as reconstruct
from cryosense.cli.train import main, train
from cryosense.reconstructors.unrolled.reconstructor import SHIPPED
from cryosense.training.unrolled import UnrolledTraining
from tests.cli.stacks import smooth_images, stack
from tests.cli.verbs import refusal

pytestmark = pytest.mark.filterwarnings("ignore")  # Lightning's, of other libraries and of small data
COUNT, BOX, STEPS = 40, 16, 8
WORDS = [
    "model=unrolled",
    "network.iterations=2",
    f"steps={STEPS}",
    "batch_size=4",
    "trainer.log_every_n_steps=1",
    "training.checkpoint_every=3",
    "training.validate_every=4",
    "training.validation_fraction=0.1",
]
DOMAINS = {"fourier": ["operator=fourier"], "pixel": ["operator=pixel", "operator/masks=random_binary", "compression=[2,4]"]}
DOMAIN_MASKS = {"fourier": "radial", "pixel": "random_binary"}


@pytest.fixture
def data(tmp_path: Path) -> list[str]:
    random = torch.Generator().manual_seed(0)
    clean = smooth_images(COUNT, BOX, random)
    noisy = clean + 0.3 * torch.randn(COUNT, 1, BOX, BOX, generator=random)
    paths = stack(tmp_path / "particles.mrcs", noisy), stack(tmp_path / "clean.mrcs", clean)
    return [f"data.path={paths[0]}", f"data.clean_path={paths[1]}"]


def trained(data: list[str], output: Path, *words: str) -> Path:
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        cfg = compose("train", overrides=["data=stack", *data, *WORDS, f"output_dir={output}", *words])
    return train(cfg)


def reconstructed(monkeypatch: pytest.MonkeyPatch, data: list[str], output: Path, *words: str) -> pd.DataFrame:
    quick = ["scores.lpips=null", "fitting.held_back=4", "draw_example=false", f"output_dir={output}"]
    monkeypatch.setattr(sys, "argv", ["x", *data, *quick, "reconstructor=unrolled", *words])
    reconstruct()
    return pd.concat(map(pd.read_parquet, output.glob("*/rows.parquet")))


@pytest.mark.parametrize("network", ["unrolled_dct", "unrolled_cnn", "unrolled_told", "told_unet", "init"])
def test_a_run_that_broke_off_ends_in_the_same_weights(
    data: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, network: str
) -> None:
    words = [f"network={network}", "network.iterations=2", "model/loss=split"]
    if network == "init":
        first = trained(data, tmp_path / "first", "network=unrolled_dct")
        words = [f"init={first}", "model/loss=split", "model.loss.noise=estimated"]
    whole = load_file(trained(data, tmp_path / "whole", *words) / "model.safetensors")
    step = UnrolledTraining.training_step

    def breaking(self: UnrolledTraining, *arguments: object) -> torch.Tensor:
        if self.trainer.global_step == 5:
            raise RuntimeError("power cut")
        return step(self, *arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(UnrolledTraining, "training_step", breaking)
        with pytest.raises(RuntimeError, match="power cut"):
            trained(data, tmp_path / "broken", *words)
    again = load_file(trained(data, tmp_path / "broken", *words) / "model.safetensors")
    assert whole.keys() == again.keys()
    assert all(torch.equal(whole[name], again[name]) for name in whole)
    assert any(bool(tensor.any()) for tensor in whole.values())
    table, of_broken = (pd.read_csv(tmp_path / name / "losses.csv") for name in ("whole", "broken"))
    pd.testing.assert_frame_equal(of_broken, table, check_exact=True)
    assert {"validation/loss", "validation/psnr_clean"} <= set(table.columns)


def tuned(monkeypatch: pytest.MonkeyPatch, data: list[str], output: Path, *words: str) -> Path:
    """-> the model's folder, made by the command line."""
    few = [word for word in WORDS if not word.startswith("network")]
    monkeypatch.setattr(sys, "argv", ["x", "data=stack", *data, *few, "model/loss=split", f"output_dir={output}", *words])
    main()
    return output / "model"


def test_training_starts_from_a_models_weights(data: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At a rate of next to nothing the weights stay what they were; at a usual one they do not."""
    ours = trained(data, tmp_path / "ours", "network=unrolled_dct", "network.iterations=2")
    for init, folder in {str(ours): ours, "shipped": SHIPPED / "many_molecules"}.items():
        rates = {"still": "model.optimisation.learning_rate=1e-9", "moved": "model.optimisation.learning_rate=1e-2"}
        still, moved = (tuned(monkeypatch, data, tmp_path / folder.name / to, f"init={init}", rates[to]) for to in rates)
        first, same, other = (load_file(each / "model.safetensors") for each in (folder, still, moved))
        assert first.keys() == same.keys() == other.keys()
        assert all(torch.allclose(first[name].float(), same[name], rtol=1e-5, atol=1e-7) for name in first)
        assert any(float((first[name] - other[name]).abs().max()) > 1e-4 for name in first)
        arguments = [json.loads((each / "solver.json").read_text())["arguments"] for each in (folder, still)]
        assert arguments[0] == arguments[1]


def test_a_start_that_is_not_possible_is_refused_before_any_work(
    data: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = trained(data, tmp_path / "model", "network=unrolled_dct", "network.iterations=2")
    damaged, other_version = (shutil.copytree(model, tmp_path / name) for name in ("damaged", "other"))
    (damaged / "model.safetensors").write_bytes(bytes((model / "model.safetensors").stat().st_size))
    (other_version / "solver.json").write_text((model / "solver.json").read_text().replace("UnrolledADMM", "Later"))
    cases = {
        "network=unrolled_cnn: init takes the network from the model's folder": [f"init={model}", "network=unrolled_cnn"],
        "network.channels=4: init takes the network": ["init=shipped", "network.channels=4"],
        "was trained for FourierSampling, what is to be trained measures by PixelMasking": [
            f"init={model}",
            *DOMAINS["pixel"],
        ],
        "set scaling as it was in training": [f"init={model}", "scaling=unit_interval"],
        "cannot be read or belongs to another solver": [f"init={damaged}"],
        "does not describe an unrolled solver of this version": [f"init={other_version}"],
        "give the folder of a model": ["init=nowhere"],
        "there are shipped:many_molecules": ["init=shipped:other"],
    }
    for message, words in cases.items():
        line = refusal(tuned, monkeypatch, data, tmp_path / "out", *words)
        assert message in line
        assert line.count("init") == 1 or "network" in message
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("domain", DOMAINS)
def test_a_trained_model_is_a_reconstructor(
    data: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, domain: str
) -> None:
    model = trained(data, tmp_path / "model", "network=unrolled_wavelet", "network.basis.count=3", *DOMAINS[domain])
    own = ["operator.per_particle=true", f"reconstructor.path={model}", f"operator={domain}", "compression=2"]
    tables = [reconstructed(monkeypatch, data, tmp_path / str(c), *own, f"chunk_size={c}") for c in (COUNT, 7)]
    assert tables[0]["reconstructor"].unique().tolist() == ["unrolled"]
    assert tables[0]["prior"].unique().tolist() == ["haar clean"]
    assert (tables[0]["iterations"] == 2).all()
    assert (tables[0]["psnr_clean"] > 10).all()
    first, second = ((tmp_path / str(c)).glob("*/particles.mrcs") for c in (COUNT, 7))
    assert next(first).read_bytes() == next(second).read_bytes()


def test_one_model_for_all_masks(data: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few = ["network.channels=4", "compression=[1.5,3]", "model.loss.denoising_share=0.5", "steps=12"]
    model = trained(data, tmp_path / "model", "model=unrolled_any", *few)
    assert json.loads((model / "solver.json").read_text())["operator"] == "FourierSampling,PixelMasking"
    for domain in DOMAINS:
        own = [f"operator={domain}", f"operator/masks={DOMAIN_MASKS[domain]}", "compression=2", f"reconstructor.path={model}"]
        assert (reconstructed(monkeypatch, data, tmp_path / domain, *own)["psnr_clean"] > 10).all()


def test_what_does_not_fit_is_refused_in_one_line(data: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = trained(data, tmp_path / "model", "network=unrolled_dct", "model/loss=measured")
    assert json.loads((model / "solver.json").read_text())["loss"] == "measured"
    cases = {
        "the operator is PixelMasking": [f"reconstructor.path={model}", "operator=pixel"],
        "set scaling as it was": [f"reconstructor.path={model}", "scaling=unit_interval"],
        "give the folder of a model": ["reconstructor.path=nowhere"],
        "there are shipped:many_molecules, shipped:one_molecule": ["reconstructor.path=shipped:other"],
    }
    for message, words in cases.items():
        assert message in refusal(reconstructed, monkeypatch, data, tmp_path / "out", *words)
    assert not (tmp_path / "out").exists()


def test_the_clean_loss_needs_clean_images(data: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["x", data[0], *WORDS, f"output_dir={tmp_path / 'out'}"])
    with pytest.raises(SystemExit, match=r"needs clean images and none are known: give data\.clean_path"):
        main()
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("method", ["unrolled", "unrolled_one_molecule"])
@pytest.mark.parametrize("domain", DOMAINS)
def test_the_shipped_models_denoise_the_simulated_particles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, domain: str, method: str
) -> None:
    particles = [f"data.directory={tmp_path / 'data'}", 'data.overrides=["count=24","seed=11"]']
    words = [f"operator={domain}", "compression=2", "operator/masks=" + DOMAIN_MASKS[domain]]
    ours = reconstructed(monkeypatch, particles, tmp_path / "ours", *words, f"reconstructor={method}")
    theirs = reconstructed(monkeypatch, particles, tmp_path / "pinv", *words, "reconstructor=pinv")
    # A noise variance of five times the signal's, much of which is gone: the images' deviation of 0.6 dB would not hide it.
    assert float((ours["psnr_clean"] - theirs["psnr_clean"]).mean()) > 5.0
    shipped = [path for path in SHIPPED.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in shipped) < 6e6
