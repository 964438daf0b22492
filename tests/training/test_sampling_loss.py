"""Told a noisy image or not: shares, noise in the network's units, closed form of a network that gives the sample back."""

import pytest
import torch
from torch import Tensor

from cryosense import seeding
from cryosense.errors import ArgumentError
from cryosense.measurement import FourierDesign
from cryosense.operators import LinearOperator
from cryosense.reconstructors.unrolled import Told, ToldNetwork, ToldUNet
from cryosense.reconstructors.unrolled.told import UNTOLD
from cryosense.training.batches import Batch
from cryosense.training.losses import AgainstClean
from cryosense.training.operators import DrawnMeasurement
from cryosense.training.sampling_loss import AgainstCleanAndSampling

N, COUNT = 32, 64
DRAWN = DrawnMeasurement(FourierDesign, 2.0, 7)


class Echo(ToldUNet):
    """It gives the sample back where it is told one, and keeps what it was told."""

    def __init__(self) -> None:
        super().__init__(iterations=1, channels=2, levels=1, hidden=2, samples=True)
        self.seen: list[tuple[Told, Tensor]] = []

    def forward(self, y: Tensor, operator: LinearOperator, told: Told = UNTOLD) -> Tensor:
        self.seen.append((told, self.units(y, operator)[1].flatten()))
        return super().forward(y, operator, told) if told.sample is None else told.sample.images


def batch(count: int = COUNT) -> Batch:
    random = torch.Generator().manual_seed(0)
    clean = torch.linspace(0.1, 3, count)[:, None, None, None] * torch.randn(count, 1, N, N, generator=random)
    return Batch(clean + 1.0, torch.arange(count), 0, clean, torch.ones(count, 1, N, N // 2 + 1))


def test_what_gives_the_sample_back_has_its_noise_for_its_error() -> None:
    network, images = Echo(), batch()
    losses = AgainstCleanAndSampling(1.0, [0.1, 10.0])(network, images, DRAWN, seeding.generator(1))
    told, unit = network.seen[0]
    assert told.sample is not None
    assert images.clean is not None
    relative = told.sample.std / unit
    assert 0.1 <= float(relative.min()) < 0.2
    assert 5.0 < float(relative.max()) <= 10.0
    expected = told.sample.std**2 + images.clean.flatten(1).var(1)  # sigma^2 (1 + var s / sigma^2)
    # The mean of 1024 squares: relative deviation sqrt(2 / 1024) = 4.4 %.
    torch.testing.assert_close(losses, expected, rtol=0.2, atol=0.0)
    assert float((losses / expected).mean()) == pytest.approx(1.0, abs=0.02)


def test_without_a_sample_it_is_the_loss_against_clean_images() -> None:
    network, images = Echo(), batch(4)
    made = AgainstCleanAndSampling(0.0, hidden_ctf_share=0.0)(network, images, DRAWN, seeding.generator(1))
    assert torch.equal(made, AgainstClean()(network, images, DRAWN, seeding.generator(1)))


def test_samples_are_told_and_ctfs_hidden_as_often_as_the_shares_say() -> None:
    network, loss = Echo(), AgainstCleanAndSampling(0.3, hidden_ctf_share=0.6)
    with torch.no_grad():
        for i in range(200):
            loss(network, batch(2), DRAWN, seeding.generator(2, i))
    assert sum(told.sample is not None for told, _ in network.seen) == pytest.approx(60, abs=26)  # four deviations
    assert sum(told.ctf is None for told, _ in network.seen) == pytest.approx(120, abs=28)


def test_networks_that_cannot_be_told_a_noisy_image_are_refused() -> None:
    AgainstCleanAndSampling().check(Echo())
    for network in (ToldUNet(1, 2, 1, 2), ToldNetwork(1, 2, 2)):
        with pytest.raises(ArgumentError, match=f"not {type(network).__name__} made without samples"):
            AgainstCleanAndSampling().check(network)


@pytest.mark.parametrize("wrong", [{"sampling_share": 1.1}, {"hidden_ctf_share": -0.1}, {"sample_std": [3.0, 2.0]}])
def test_numbers_out_of_range_are_refused(wrong: dict) -> None:
    with pytest.raises(ArgumentError, match=next(iter(wrong))):
        AgainstCleanAndSampling(**wrong)
