"""Reconstruction and denoising in turn: shares, closed form of a network that does nothing, what is told."""

import pytest
import torch
from torch import Tensor

from cryosense import seeding
from cryosense.measurement import FourierDesign
from cryosense.operators import LinearOperator
from cryosense.reconstructors.unrolled import Told, ToldNetwork, UnrolledNetwork
from cryosense.reconstructors.unrolled.told import UNTOLD
from cryosense.training.batches import Batch
from cryosense.training.denoising_loss import AgainstCleanAndDenoising
from cryosense.training.operators import DrawnMeasurement

N, COUNT = 32, 64
DRAWN = DrawnMeasurement(FourierDesign, 2.0, 7)


class Watched(ToldNetwork):
    """Untrained, so what is measured comes back; it keeps what it was told and by which operator."""

    def __init__(self) -> None:
        super().__init__(iterations=1, channels=2, hidden=2)
        self.seen: list[tuple[LinearOperator, Told]] = []

    def forward(self, y: Tensor, operator: LinearOperator, told: Told = UNTOLD) -> Tensor:
        self.seen.append((operator, told))
        return super().forward(y, operator, told)


def batch() -> Batch:
    random = torch.Generator().manual_seed(0)
    clean = torch.linspace(0.1, 3, COUNT)[:, None, None, None] * torch.randn(COUNT, 1, N, N, generator=random)
    return Batch(clean + 1.0, torch.arange(COUNT), 0, clean, torch.ones(COUNT, 1, N, N // 2 + 1))


def test_a_network_that_does_nothing_has_the_noise_for_its_error() -> None:
    network, images = Watched(), batch()
    loss = AgainstCleanAndDenoising(denoising_share=1.0, denoising_std=[0.1, 10.0])
    with torch.no_grad():
        losses = loss(network, images, DRAWN, seeding.generator(1))
    operator, told = network.seen[0]
    assert int(operator.rank) == N * N
    assert told.noise_std is not None
    assert images.clean is not None
    variance = images.clean.flatten(1).var(1)
    relative = told.noise_std / variance.sqrt()
    assert 0.1 <= float(relative.min()) < 0.2
    assert 5.0 < float(relative.max()) <= 10.0
    expected = told.noise_std**2 + variance  # sigma^2 (1 + var s / sigma^2)
    # The mean of 1024 squares: relative deviation sqrt(2 / 1024) = 4.4 %.
    torch.testing.assert_close(losses, expected, rtol=0.2, atol=0.0)
    assert float((losses / expected).mean()) == pytest.approx(1.0, abs=0.02)


def test_batches_are_of_both_tasks_and_ctfs_are_hidden_as_often_as_the_shares_say() -> None:
    network, images = Watched(), batch()._replace(images=torch.randn(2, 1, N, N), clean=torch.randn(2, 1, N, N))
    loss = AgainstCleanAndDenoising(denoising_share=0.3, hidden_ctf_share=0.6)
    with torch.no_grad():
        for i in range(200):
            loss(network, images._replace(ctf=torch.ones(2, 1, N, N // 2 + 1)), DRAWN, seeding.generator(2, i))
    denoised = sum(told.noise_std is not None for _, told in network.seen)
    hidden = sum(told.ctf is None for _, told in network.seen)
    assert denoised == pytest.approx(60, abs=26)  # four deviations
    assert hidden == pytest.approx(120, abs=28)


def test_a_solver_that_is_not_told_the_noise_is_refused() -> None:
    AgainstCleanAndDenoising().check(Watched())
    with pytest.raises(ValueError, match="not UnrolledNetwork: choose network=told_unet"):
        AgainstCleanAndDenoising().check(UnrolledNetwork(1, 4))


@pytest.mark.parametrize("wrong", [{"denoising_share": 1.1}, {"hidden_ctf_share": -0.1}, {"denoising_std": [3.0, 2.0]}])
def test_numbers_out_of_range_are_refused(wrong: dict) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        AgainstCleanAndDenoising(**wrong)
