"""The loss is the one of SCIENCE: by hand, in closed form, and for the paper's network."""

import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from torch import Tensor, nn

from cryosense.cli.conf_dir import conf_dir
from cryosense.denoisers import GaussianDenoiser
from cryosense.training.ddpm import DDPMTraining
from tests.training.networks import optimisation, scheduler, tiny_network

N = 16


def training(prediction: str = "epsilon") -> DDPMTraining:
    return DDPMTraining(tiny_network, scheduler(prediction), optimisation(), bands=[0, 100, 1000], seed=0)


class Fixed(nn.Module):
    """Predicts what a function says."""

    def __init__(self, predict: object) -> None:
        super().__init__()
        self.predict = predict

    def forward(self, x: Tensor, t: Tensor) -> object:
        return type("Output", (), {"sample": self.predict(x, t)})  # type: ignore[operator]


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
def test_loss_of_the_exact_gaussian_predictor_is_its_closed_form(prediction: str) -> None:
    """White images of variance s: E |eps - eps_hat|^2 = abar s / (abar s + 1 - abar), and 1 / abar of that for v."""
    module, t, s = training(prediction), 300, 0.5
    abar = module.scheduler.alphas_cumprod[t].double()
    gaussian = GaussianDenoiser(0.0, torch.full((N, N), s), module.scheduler.alphas_cumprod)

    def predict(x: Tensor, _: Tensor) -> Tensor:
        noise = (x - abar.sqrt().float() * gaussian(x, t)) / (1 - abar).sqrt().float()
        if prediction == "epsilon":
            return noise
        return (noise - (1 - abar).sqrt().float() * x) / abar.sqrt().float()

    module.network = Fixed(predict)
    count = 200
    images = s**0.5 * torch.randn(count, 1, N, N, generator=torch.Generator().manual_seed(1))
    noise = torch.randn(count, 1, N, N, generator=torch.Generator().manual_seed(2))
    loss = module.prediction_error(images, noise, torch.full((count,), t)).mean()
    expected = abar * s / (abar * s + 1 - abar) / (1.0 if prediction == "epsilon" else abar)
    # 51,200 squares of Gaussians: relative deviation sqrt(2 / 51200) = 0.6 %, three of them
    assert float(loss) == pytest.approx(float(expected), rel=0.02)


def test_averaged_weights_come_and_go() -> None:
    module = training()
    trained = [p.detach().clone() for p in module.network.parameters()]
    with torch.no_grad():
        for p in module.network.parameters():
            p += 1
    module.ema.step(module.network.parameters())  # the decay of the first step is 0 ... 1 - 2^-0.75 of the second
    with module.averaged_weights():
        inside = [p.detach().clone() for p in module.network.parameters()]
    decay = module.ema.cur_decay_value
    for before, average, after in zip(trained, inside, module.network.parameters(), strict=True):
        torch.testing.assert_close(after.detach(), before + 1)
        torch.testing.assert_close(average, decay * before + (1 - decay) * (before + 1), atol=1e-6, rtol=1e-5)


def test_draws_are_keyed() -> None:
    module, images = training(), torch.zeros(3, 1, N, N)
    for index, same in ((5, True), (6, False)):
        again = module.draws(images, index, 2, 0, 1000)
        assert torch.equal(again[0], module.draws(images, 5, 2, 0, 1000)[0]) is same
    _, timesteps = module.draws(torch.zeros(500, 1, 1, 1), 0, 3, 10, 20)
    assert set(timesteps.tolist()) == set(range(10, 20))


def test_bands_must_cover_the_schedule() -> None:
    with pytest.raises(ValueError, match=r"bands="):
        DDPMTraining(tiny_network, scheduler(), optimisation(), bands=[0, 500], seed=0)


@pytest.mark.parametrize(("network", "parameters"), [("paper_128", 113_668_609), ("paper_256", 113_668_609)])
def test_the_papers_network_has_its_parameters(network: str, parameters: int) -> None:
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        cfg = compose("train", overrides=[f"network={network}"])
    with torch.device("meta"):
        made = instantiate(cfg.network)()
    assert sum(p.numel() for p in made.parameters()) == parameters
    assert made.config["sample_size"] == int(network[-3:])


def test_the_small_network_is_small() -> None:
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        made = instantiate(compose("train", overrides=["network=small_64"]).network)()
    assert 1e6 < sum(p.numel() for p in made.parameters()) < 2e6
