"""The losses: towards what they say; that of the measurement alone has the expectation of the clean one where it measured."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import conv2d

from cryosense import fourier, seeding
from cryosense.data import ParticleStack, StackWriter
from cryosense.data.scaling import AsIs
from cryosense.measurement import FourierDesign, PixelDesign
from cryosense.operators import LinearOperator, masks
from cryosense.reconstructors.unrolled import UnrolledSolver
from cryosense.training.batches import Batch
from cryosense.training.losses import AgainstClean, AgainstMeasured, SplitMeasurement
from cryosense.training.noise import corner_spectrum, white_noise_sigma
from cryosense.training.operators import DrawnMeasurement

N, COUNT = 16, 1500
SIGNAL, SIGMA, STEP, KEPT, WEIGHT = 0.6, 0.4, 0.1, 0.6, 3.0
UNIFORM = partial(FourierDesign, masks.uniform, True, per_particle=False)
BINARY = partial(PixelDesign, partial(masks.random_binary, keep_probability=0.5), 4, per_particle=False)
NEITHER = {"noise": "estimated", "noise_sigma": 1.0}
DESIGNS = pytest.mark.parametrize("make_design", [UNIFORM, BINARY], ids=["fourier", "pixel"])


class Mixing(UnrolledSolver):
    """Half the pseudo-inverse and a third of it moved by a pixel: neither shrinks nor keeps what was measured."""

    def __init__(self) -> None:
        super().__init__(1)

    def forward(self, y: Tensor, operator: LinearOperator) -> Tensor:
        x = operator.pinv(y)
        return x / 2 + x.roll(1, -1) / 3


class Network(UnrolledSolver):
    """Two convolutions with a rectifier between, as it is drawn: what it makes of noise depends on the signal."""

    def __init__(self) -> None:
        super().__init__(1)
        random = torch.Generator().manual_seed(3)
        self.opening, self.closing = (torch.randn(shape, generator=random) / 6 for shape in ((8, 1, 3, 3), (1, 8, 3, 3)))

    def forward(self, y: Tensor, operator: LinearOperator) -> Tensor:
        return conv2d(conv2d(operator.pinv(y), self.opening, padding=1).relu(), self.closing, padding=1)


class Scaled(UnrolledSolver):
    """A multiple of the pseudo-inverse."""

    def __init__(self, gain: float) -> None:
        super().__init__(1)
        self.gain = gain

    def forward(self, y: Tensor, operator: LinearOperator) -> Tensor:
        return self.gain * operator.pinv(y)


def batch() -> Batch:
    """-> stationary signals, smooth along rows, in white noise."""
    random = torch.Generator().manual_seed(0)
    rough = SIGNAL * torch.randn(COUNT, 1, N, N, generator=random)
    clean = (rough + rough.roll(1, -1) + rough.roll(2, -1)) / 2
    return Batch(clean + SIGMA * torch.randn(COUNT, 1, N, N, generator=random), torch.arange(COUNT), 0, clean)


def counted(whole: LinearOperator, part: LinearOperator) -> Tensor:
    """-> (1,): what the weights of all coefficients add up to."""
    return part.rank + WEIGHT * (whole.rank - part.rank).double()


@DESIGNS
@pytest.mark.parametrize("solver", [Mixing(), Network()], ids=["linear", "network"])
def test_split_estimates_the_clean_loss_where_it_measured(make_design: partial, solver: UnrolledSolver) -> None:
    drawn = DrawnMeasurement(make_design, 1.5, 7)
    images = batch()
    assert images.clean is not None
    split = SplitMeasurement(KEPT, WEIGHT, STEP, SIGMA)(solver, images, drawn, seeding.generator(1)).double()
    whole, part = drawn.nested(KEPT, N, COUNT)
    noise = STEP * SIGMA * torch.from_numpy(seeding.generator(2).standard_normal((COUNT, 1, N, N), dtype=np.float32))
    error = solver(part(images.images + noise), part) - images.clean
    seen, measured = (
        projected.square().flatten(1).sum(1).double() for projected in (part.pinv(part(error)), whole.pinv(whole(error)))
    )
    clean = (seen + WEIGHT * (measured - seen)) / counted(whole, part)
    difference = split - clean
    deviation = float(difference.std()) / COUNT**0.5
    assert abs(float(difference.mean())) < 4 * deviation
    assert 4 * deviation < 0.05 * float(clean.mean())  # so small that a missing term would show


def colour(n: int) -> Tensor:
    """-> a spectrum, (n, n) centred, that falls by a factor of 17 from the origin to the Nyquist frequency."""
    return SIGMA**2 * 2 / (1 + (fourier.frequency_radius(n) / (n / 8)) ** 2)


def coloured(count: int, n: int, seed: int) -> Tensor:
    white = torch.randn(count, 1, n, n, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return fourier.filtered(white, fourier.centred_to_half_plane(colour(n)).sqrt())


def told(spectrum: Tensor) -> SplitMeasurement:
    loss = SplitMeasurement(KEPT, WEIGHT, STEP, noise="estimated")
    loss.spectrum = spectrum
    return loss


@DESIGNS
@pytest.mark.parametrize("solver", [Mixing(), Network()], ids=["linear", "network"])
def test_split_estimates_the_clean_loss_in_coloured_noise(make_design: partial, solver: UnrolledSolver) -> None:
    """With the noise's spectrum; a level one of the same power, which forgets the colour, is far off for the linear solver."""
    drawn, clean = DrawnMeasurement(make_design, 1.5, 7), batch().clean
    assert clean is not None
    noise = coloured(COUNT, N, 5)
    images = Batch((clean + noise).float(), torch.arange(COUNT), 0, clean)
    level = torch.full((N, N), float(colour(N).mean()), dtype=torch.float64)
    whole, part = drawn.nested(KEPT, N, COUNT)
    seen = (clean + noise + STEP * coloured(COUNT, N, 6)).float()
    error = solver(part(seen), part) - clean
    parts = [projected.square().flatten(1).sum(1).double() for projected in (part.pinv(part(error)), whole.pinv(whole(error)))]
    truth = (parts[0] + WEIGHT * (parts[1] - parts[0])) / counted(whole, part)
    for spectrum, holds in ((colour(N), True), (level, False))[: 2 if isinstance(solver, Mixing) else 1]:
        difference = told(spectrum)(solver, images, drawn, seeding.generator(1)).double() - truth
        deviation = float(difference.std()) / COUNT**0.5
        assert (abs(float(difference.mean())) < 4 * deviation) == holds
        assert 4 * deviation < 0.05 * float(truth.mean())  # so small that a missing term would show


@pytest.mark.parametrize("shape", ["white", "coloured"])
def test_the_spectrum_of_the_noise_is_found_in_the_corners(tmp_path: Path, shape: str) -> None:
    """Whatever is within the circle; a tenth of its mean over bands of four shells, which the estimate resolves."""
    n, count = 32, 600
    noise = coloured(count, n, 0) if shape == "coloured" else SIGMA * torch.randn(count, 1, n, n, dtype=torch.float64)
    within = fourier.frequency_radius(n) <= n / 2
    with StackWriter(tmp_path / "a.mrcs", count, n, 3.0) as writer:
        writer.write(0, (3 + 0.5 * noise + 2 * torch.randn(count, 1, n, n) * within).float())
        writer.finish()
    found = 4 * corner_spectrum(ParticleStack.open(tmp_path / "a.mrcs"), AsIs(), 100)
    truth = colour(n) if shape == "coloured" else torch.full((n, n), SIGMA**2).double()
    bands = fourier.shell_index(n).flatten() // 4
    means = [torch.zeros(6).double().index_add_(0, bands, plane.flatten()) for plane in (found, truth)]
    torch.testing.assert_close(means[0], means[1], rtol=0.15, atol=0)


@DESIGNS
@pytest.mark.parametrize("gain", [0.5, 1.0])
def test_split_of_pure_noise_in_closed_form(make_design: partial, gain: float) -> None:
    """No signal and R = gain A_1^+: all that is left is gain^2 (1 + h^2) sigma^2 rank A_1, also where masks overlap."""
    images = SIGMA * torch.randn(COUNT, 1, N, N, generator=torch.Generator().manual_seed(0))
    drawn = DrawnMeasurement(make_design, 2.0, 7)
    noise_only = Batch(images, torch.arange(COUNT), 0, None)
    losses = SplitMeasurement(KEPT, WEIGHT, STEP, SIGMA)(Scaled(gain), noise_only, drawn, seeding.generator(1)).double()
    whole, part = drawn.nested(KEPT, N, COUNT)
    expected = gain**2 * (1 + STEP**2) * SIGMA**2 * part.rank / counted(whole, part)
    difference = losses - expected
    deviation = float(difference.std()) / COUNT**0.5
    assert abs(float(difference.mean())) < 4 * deviation
    trace = 2 * gain * SIGMA**2 * part.rank / counted(whole, part)
    assert 4 * deviation < 0.1 * float(trace)  # so small that it would be missed


@DESIGNS
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

    for loss, expected in ((AgainstMeasured(), 0.0), (AgainstClean(), SIGMA**2)):
        assert float(loss(Scaled(1.0), images, drawn, seeding.generator(0)).mean()) == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize(
    "wrong", [{"kept": 1.0}, {"held_out_weight": 0.0}, {"probe_step": 0.0}, {"noise_sigma": -1.0}, {"noise": "red"}, NEITHER]
)
def test_numbers_out_of_range_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"noise_sigma"):
        SplitMeasurement(**({"kept": 0.5, "held_out_weight": 1.0, "probe_step": 0.1, "noise_sigma": None} | wrong))
