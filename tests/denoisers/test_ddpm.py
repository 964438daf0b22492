"""Tweedie's formula for every kind of prediction; pipelines that cannot be used are refused with what to do."""

import json
from pathlib import Path

import pytest
import torch
from diffusers import DDIMScheduler, DDPMPipeline, DDPMScheduler, EDMEulerScheduler, UNet2DModel
from torch import Tensor, nn

from cryosense.denoisers import DDPMDenoiser, PipelineError, open_ddpm, open_gaussian
from tests.training.networks import TINY, scheduler, tiny_network

N = 16


def network(seed: int = 0) -> UNet2DModel:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return tiny_network()


def save(folder: Path, unet: UNet2DModel | None = None, schedule: DDPMScheduler | None = None) -> Path:
    DDPMPipeline(unet=unet or network(), scheduler=schedule or scheduler()).save_pretrained(folder)
    return folder


class Oracle(nn.Module):
    """Predicts noise, velocity or image, as a network would that knows the image."""

    def __init__(self, image: Tensor, prediction: str) -> None:
        super().__init__()
        self.image, self.prediction = image, prediction
        self.config = {"sample_size": N}

    def forward(self, x_t: Tensor, t: int) -> object:
        abar = scheduler().alphas_cumprod[t]
        x0 = self.image.expand_as(x_t)
        noise = (x_t - abar.sqrt() * x0) / (1 - abar).sqrt()
        velocity = abar.sqrt() * noise - (1 - abar).sqrt() * x0
        predicted = {"epsilon": noise, "v_prediction": velocity, "sample": x0}[self.prediction]
        return type("Output", (), {"sample": predicted})


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction", "sample"])
@pytest.mark.parametrize("t", [0, 300, 900])
def test_a_network_that_knows_the_image_gives_it_back(prediction: str, t: int) -> None:
    random = torch.Generator().manual_seed(0)
    image, x_t = torch.rand(1, 1, N, N, generator=random), torch.randn(3, 1, N, N, generator=random)
    denoiser = DDPMDenoiser(Oracle(image, prediction), scheduler().alphas_cumprod, prediction, None)
    torch.testing.assert_close(denoiser(x_t, t), image.expand_as(x_t), atol=2e-3, rtol=0)  # 1 / sqrt(abar_900) = 60


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_a_network_in_half_precision_says_nearly_the_same(precision: str) -> None:
    x = torch.randn(3, 1, N, N, generator=torch.Generator().manual_seed(1))
    whole = DDPMDenoiser(network(), scheduler().alphas_cumprod, "epsilon", None)(x, 300)
    half = DDPMDenoiser(network(), scheduler().alphas_cumprod, "epsilon", None, precision)(x, 300)
    assert half.dtype == torch.float32
    assert 0 < float((half - whole).abs().max()) < 0.02 * float(whole.abs().max())


def test_another_precision_is_refused() -> None:
    with pytest.raises(ValueError, match="precision=int8: one of float32, bfloat16, float16"):
        DDPMDenoiser(network(), scheduler().alphas_cumprod, "epsilon", None, "int8")


def test_an_image_is_denoised_the_same_whoever_stands_beside_it() -> None:
    denoiser = DDPMDenoiser(network(), scheduler().alphas_cumprod, "epsilon", None)
    x = torch.randn(21, 1, N, N, generator=torch.Generator().manual_seed(1))
    together = denoiser(x, 500)
    for i in (0, 7, 8, 20):
        assert torch.equal(denoiser(x[i : i + 1], 500)[0], together[i])
    with torch.enable_grad():
        assert torch.allclose(denoiser(x.requires_grad_(), 500).detach(), together, atol=1e-5)


def test_a_folder_opens_as_it_was_saved(tmp_path: Path) -> None:
    unet = network()
    denoiser = open_ddpm(str(save(tmp_path / "model", unet, scheduler("v_prediction"))))
    x = torch.randn(2, 1, N, N, generator=torch.Generator().manual_seed(1))
    expected = DDPMDenoiser(unet, scheduler().alphas_cumprod, "v_prediction", None)(x, 100)
    assert torch.equal(denoiser(x, 100), expected)
    assert denoiser.gaussian is None
    with pytest.raises(PipelineError, match="does not state the spectrum"):
        open_gaussian(str(tmp_path / "model"))


def test_ddim_schedules_serve_as_well(tmp_path: Path) -> None:
    folder = save(tmp_path / "model")
    DDIMScheduler(num_train_timesteps=1000).save_pretrained(folder / "scheduler")
    torch.testing.assert_close(open_ddpm(str(folder)).alphas_cumprod, scheduler().alphas_cumprod.double())


def test_what_cannot_be_used_says_why(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match="no such folder, and it is not a hub id"):
        open_ddpm(str(tmp_path / "nothing"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(PipelineError, match=r"no scheduler/scheduler_config\.json"):
        open_ddpm(str(tmp_path / "empty"))
    two = UNet2DModel(**(TINY | {"in_channels": 2, "out_channels": 2}))
    with pytest.raises(PipelineError, match=r"\(2, 2\) channels"):
        open_ddpm(str(save(tmp_path / "two", two)))
    edm = save(tmp_path / "edm")
    EDMEulerScheduler().save_pretrained(edm / "scheduler")
    with pytest.raises(PipelineError, match=r"EDMEulerScheduler.*DDPM or DDIM"):
        open_ddpm(str(edm))


def test_damaged_weights_say_so(tmp_path: Path) -> None:
    cut, missing = save(tmp_path / "cut"), save(tmp_path / "missing")
    weights = cut / "unet" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    (missing / "unet" / "diffusion_pytorch_model.safetensors").unlink()
    other = save(tmp_path / "other")
    config = json.loads((other / "unet" / "config.json").read_text())
    (other / "unet" / "config.json").write_text(json.dumps(config | {"block_out_channels": [8, 32]}))
    for folder in (cut, missing, other):
        with pytest.raises(PipelineError, match=r"unet/\) cannot be read: download or train it again"):
            open_ddpm(str(folder))


def test_weights_in_half_precision_are_read_where_there_are_no_others(tmp_path: Path) -> None:
    unet = network()
    folder = save(tmp_path / "model", unet)
    (folder / "unet" / "diffusion_pytorch_model.safetensors").unlink()
    unet.half().save_pretrained(folder / "unet", variant="fp16")
    denoiser = open_ddpm(str(folder))
    assert {parameter.dtype for parameter in denoiser.parameters()} == {torch.float32}
    x = torch.randn(2, 1, N, N, generator=torch.Generator().manual_seed(1))
    assert torch.equal(denoiser(x, 100), DDPMDenoiser(unet.float(), scheduler().alphas_cumprod, "epsilon", None)(x, 100))


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
def test_a_schedule_that_ends_without_the_image_is_refused_before_it_is_run(tmp_path: Path, prediction: str) -> None:
    ending = DDPMScheduler(num_train_timesteps=1000, prediction_type=prediction, rescale_betas_zero_snr=True)
    with pytest.raises(PipelineError, match=r"abar_t runs from 1 to 0; .*rescale_betas_zero_snr"):
        open_ddpm(str(save(tmp_path / "model", schedule=ending)))
