"""The losses: towards what they say; the split one is the clean one at a smaller measurement, plus a known constant."""

from functools import partial

import numpy as np
import pytest
import torch
from torch import Tensor

from cryosense import seeding
from cryosense.operators import LinearOperator, masks
from cryosense.operators.design import FourierDesign, PixelDesign
from cryosense.reconstructors.unrolled import UnrolledSolver
from cryosense.training.batches import Batch
from cryosense.training.losses import AgainstClean, AgainstMeasured, SplitMeasurement, white_noise_sigma
from cryosense.training.operators import DrawnMeasurement

N, COUNT = 16, 1500
SIGNAL, SIGMA, TAU, KEPT = 0.6, 0.4, 0.5, 0.6
UNIFORM = partial(FourierDesign, masks.uniform, True, per_particle=True)
BINARY = partial(PixelDesign, partial(masks.random_binary, keep_probability=0.5), 4, per_particle=True)
BOTH = pytest.mark.parametrize("both_signs", [True, False])


class Mixing(UnrolledSolver):
    """Half the pseudo-inverse and a third of it moved by a pixel: neither shrinks nor keeps what was measured."""

    def __init__(self) -> None:
        super().__init__(1)

    def forward(self, y: Tensor, operator: LinearOperator) -> Tensor:
        x = operator.pinv(y)
        return x / 2 + x.roll(1, -1) / 3


def batch() -> Batch:
    """-> stationary signals, smooth along rows, in white noise."""
    random = torch.Generator().manual_seed(0)
    rough = SIGNAL * torch.randn(COUNT, 1, N, N, generator=random)
    clean = (rough + rough.roll(1, -1) + rough.roll(2, -1)) / 2
    return Batch(clean + SIGMA * torch.randn(COUNT, 1, N, N, generator=random), torch.arange(COUNT), 0, clean)


@BOTH
def test_split_is_the_clean_loss_at_the_smaller_measurement_and_a_constant(both_signs: bool) -> None:
    drawn = DrawnMeasurement(UNIFORM, 1.5, 7)
    images = batch()
    assert images.clean is not None
    split = SplitMeasurement(KEPT, TAU, both_signs, SIGMA)(Mixing(), images, drawn, seeding.generator(1)).double()
    _, part = drawn.nested(KEPT, N, COUNT)
    noise = TAU * SIGMA * torch.from_numpy(seeding.generator(2).standard_normal((COUNT, 1, N, N), dtype=np.float32))
    clean = (Mixing()(part(images.images + noise), part) - images.clean).square().flatten(1).mean(1).double()
    measured = part.rank.double() / N**2
    constant = SIGMA**2 * (measured * (1 + TAU**-2) + 1 - measured)
    difference = split - clean - constant
    deviation = float(difference.std()) / COUNT**0.5
    assert abs(float(difference.mean())) < 4 * deviation
    assert 4 * deviation < 0.05 * float(clean.mean())  # so small that a missing term would show


@BOTH
@pytest.mark.parametrize("make_design", [UNIFORM, BINARY], ids=["fourier", "pixel"])
def test_the_target_knows_nothing_of_the_inputs_noise(make_design: partial, both_signs: bool) -> None:
    """Pure noise: what is reconstructed and what it is scored on are uncorrelated, also where masks overlap."""
    count = 500
    images = SIGMA * torch.randn(count, 1, N, N, generator=torch.Generator().manual_seed(0))
    drawn = DrawnMeasurement(make_design, 2.0, 7)
    noise_only = Batch(images, torch.arange(count), 0, torch.zeros_like(images))

    class Scaled(UnrolledSolver):
        def __init__(self, gain: float) -> None:
            super().__init__(1)
            self.gain = gain

        def forward(self, y: Tensor, operator: LinearOperator) -> Tensor:
            return self.gain * operator.pinv(y)

    def loss(gain: float) -> Tensor:
        return SplitMeasurement(KEPT, TAU, both_signs, SIGMA)(Scaled(gain), noise_only, drawn, seeding.generator(1)).double()

    # The loss is quadratic in the gain; what is linear in it is minus twice the mean product.
    slope = (loss(1.0) - loss(-1.0)) / 2
    assert abs(float(slope.mean())) < 4 * float(slope.std()) / count**0.5
    assert 4 * float(slope.std()) / count**0.5 < 0.1 * float((loss(1.0) - loss(0.0)).mean())


@pytest.mark.parametrize("make_design", [UNIFORM, BINARY], ids=["fourier", "pixel"])
def test_the_noise_is_found_beyond_the_nyquist_circle(make_design: partial) -> None:
    whole, _ = DrawnMeasurement(make_design, 2.0, 7).nested(KEPT, N, 200)
    x = SIGMA * torch.randn(200, 1, N, N, generator=torch.Generator().manual_seed(0))
    # 200 x 0.5 x 59 real numbers: relative deviation sqrt(1 / 2 / 5900) = 0.9 %
    assert white_noise_sigma(whole.pinv(whole(x)), whole) == pytest.approx(SIGMA, rel=0.03)


def test_nothing_beyond_the_circle_is_refused() -> None:
    ring = partial(FourierDesign, partial(masks.ring, bands=16, width_fraction=0.05), True, per_particle=False)
    whole = DrawnMeasurement(ring, 4.0, 0).operator(N, 1)
    with pytest.raises(ValueError, match="noise_sigma"):
        white_noise_sigma(torch.zeros(1, 1, N, N), whole)


def test_against_frame_and_clean() -> None:
    images, drawn = batch(), DrawnMeasurement(UNIFORM, 1.0, 7)  # all of it is measured
    assert images.clean is not None

    class Exact(Mixing):
        def forward(self, y: Tensor, operator: LinearOperator) -> Tensor:
            return operator.pinv(y)

    for loss, expected in ((AgainstMeasured(), 0.0), (AgainstClean(), SIGMA**2)):
        assert float(loss(Exact(), images, drawn, seeding.generator(0)).mean()) == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("wrong", [{"kept": 1.0}, {"recorruption": 0.0}, {"noise_sigma": -1.0}])
def test_numbers_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"model\.loss"):
        SplitMeasurement(**({"kept": 0.5, "recorruption": 0.5, "both_signs": True, "noise_sigma": None} | wrong))
