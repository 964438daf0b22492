"""ADMM on coefficients takes the very steps of ADMM on images, for all masks, alone or one set for each image."""

import pytest
import torch

from cryosense import fourier
from cryosense.operators import FourierSampling, LinearOperator
from cryosense.priors import DCT, L1, TotalVariation, Wavelet
from cryosense.priors.bases import Basis
from cryosense.priors.haar_blocks import HaarBlocks
from cryosense.reconstructors.thresholds import threshold_admm
from tests.operators.families import designs, operator

N, COUNT, WEIGHT, RELAXATION = 32, 3, 0.3, 1.6
SAME = {"atol": 1e-10, "rtol": 1e-10}
CASES = [
    pytest.param(design, basis, spared, id=f"{name}-{'own' if own else 'shared'}-{basis.name}")
    for own, spared in ((False, True), (True, False))
    for name, design in designs(own).items()
    for basis in ([DCT()] if name.startswith("fourier") else [Wavelet(), Wavelet(levels=4)])
]


def images(count: int = COUNT, n: int = N) -> torch.Tensor:
    return torch.randn(count, 1, n, n, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("design", "basis", "spared"), CASES)
def test_the_steps_are_those_on_images(design: object, basis: Basis, spared: bool) -> None:
    a: LinearOperator = operator(design, N, COUNT)  # type: ignore[arg-type]
    prior, y = L1(basis, penalise_coarse=not spared), a(images())
    rho = (0.8 * (WEIGHT * a.mean_diagonals).sqrt()).reshape(-1, 1, 1, 1)
    quick = threshold_admm(prior, y, a, rho, WEIGHT, RELAXATION)
    plain = prior.admm(a.proximal_map(y, rho), WEIGHT / rho, RELAXATION)
    assert quick is not None
    states = [one.begin(a.pinv(y)) for one in (quick, plain)]
    for _ in range(7):
        before, states = states, [one.step(state) for one, state in zip((quick, plain), states, strict=True)]
    torch.testing.assert_close(quick.images(quick.estimate(states[0])), plain.estimate(states[1]), **SAME)
    torch.testing.assert_close(quick.gap(before[0], states[0]), plain.gap(before[1], states[1]), **SAME)


@pytest.mark.parametrize("n", [2, 6, 32])
def test_quadrants_are_the_dct_and_know_filters(n: int) -> None:
    x = images(n=n)
    c, expected = fourier.to_quadrants(x), DCT().analysis(x)[:, 0]
    places = [(0, 0), (0, 1), (1, 1), (1, 0)]
    torch.testing.assert_close(c, torch.stack([expected[:, i::2, j::2] for i, j in places], dim=1), **SAME)
    torch.testing.assert_close(fourier.from_quadrants(c), x, **SAME)
    gain = images(n=n)[:, 0]
    gain = gain + fourier.friedel_partner(gain)
    filtered = fourier.ifftn(gain[:, None] * fourier.fftn(x)).real
    torch.testing.assert_close(fourier.from_quadrants(fourier.quadrant_filter(gain, 0 * c)(c)), filtered, **SAME)


def test_blocks_hold_the_haar_coefficients() -> None:
    wavelet, x = Wavelet(), images()
    layout = HaarBlocks(Wavelet(levels=2), Wavelet(), N, 4).layout
    c = layout.analysis(x)
    expected = wavelet.analysis(x).flatten(1)
    torch.testing.assert_close(c.flatten(1).sort().values, expected.sort().values, **SAME)
    torch.testing.assert_close(c.flatten(1)[:, layout.coarse], expected[:, wavelet.coarse(N).flatten()], **SAME)
    torch.testing.assert_close(layout.synthesis(c), x, **SAME)


def test_others_are_left_to_the_plain_algorithm() -> None:
    pixel, spokes = operator(designs(False)["pixel-superres-K4-C2.0"], N, 1), FourierSampling(torch.ones(N, N))
    rho = torch.ones(1, 1, 1, 1, dtype=torch.float64)
    for prior, a in ((L1(DCT()), pixel), (L1(Wavelet()), spokes), (L1(Wavelet("db4")), pixel), (TotalVariation(), spokes)):
        assert threshold_admm(prior, a(images().to(a.masks)), a, rho, WEIGHT, RELAXATION) is None
    assert threshold_admm(L1(Wavelet(levels=1)), pixel(images()), pixel, rho, WEIGHT, RELAXATION) is None
