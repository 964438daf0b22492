"""Samples by a network that is told a noisy image: right where all is known in closed form, and refusals."""

from pathlib import Path

import pytest
import torch
from scipy.stats import t as student

from cryosense import fourier
from cryosense.errors import ArgumentError
from cryosense.measurement import Measurement
from cryosense.operators import FourierSampling, PixelMasking, masks
from cryosense.operators.signed_binning import SignedBinning
from cryosense.reconstructors import LearnedPosterior
from cryosense.reconstructors.unrolled import ToldUNet, UnrolledModelError, UnrolledNetwork
from tests.reconstructors.sampling_networks import Exact, exactly, small, small_network, written

N, NOISE = 32, 0.8
FOURIER = FourierSampling(masks.radial(N, 0.4, sectors=20, seed=0, symmetric=True))
PIXELS = PixelMasking(masks.random_binary(N, 8, keep_probability=0.5, seed=0), 4)
SPECTRUM = (6 / (1 + (fourier.frequency_radius(N) / 3) ** 3)).float()


def measured(count: int) -> tuple[torch.Tensor, Measurement]:
    """-> Gaussian images, and their measurement in noise."""
    white = torch.randn(2, count, 1, N, N, generator=torch.Generator().manual_seed(1))
    clean = fourier.filtered(white[0], fourier.centred_to_half_plane(SPECTRUM.sqrt()))
    return clean, Measurement(FOURIER(clean + NOISE * white[1]), FOURIER, numbers=torch.arange(count))


@pytest.mark.parametrize("churn", [0.0, 0.5])
def test_samples_of_a_gaussian_have_its_mean_and_variance_in_each_shell(churn: float) -> None:
    """400 samples of one measurement at 20 evaluations.

    Chosen beforehand: variance within 12 % in each shell beyond the origin, whose own chance is 7 %: there within 25 %; the
    mean's squared error as large as chance makes it, which is a 400th of the variance: within 25 % over all coefficients and
    a factor of 3 in each shell beyond the origin.
    """
    network, samples = Exact(SPECTRUM, NOISE), 400
    measurement = measured(1)[1]
    made = exactly(network, samples=samples, churn=churn)(measurement)
    mean, variance = network.posterior(measurement.y, FOURIER)
    assert made.samples is not None
    spread = fourier.fftn(made.samples - made.x).abs().square().sum((0, 1, 2)) / (samples - 1)
    error = fourier.fftn(made.x - mean).abs().square()[0, 0] * samples
    shells = [fourier.shell_sum(plane[None])[0, : N // 2] for plane in (variance[0], spread, error)]
    off = (shells[1] / shells[0] - 1).abs()
    assert float(off[0]) < 0.25
    assert float(off[1:].max()) < 0.12
    assert float((shells[2] / shells[0])[1:].max()) < 3.0
    assert float((shells[2].sum() / shells[0].sum() - 1).abs()) < 0.25


def test_intervals_cover_what_they_say() -> None:
    """Student's intervals from 8 samples of each of 40 images, over all pixels."""
    clean, measurement = measured(40)
    made = exactly(Exact(SPECTRUM, NOISE), samples=8)(measurement)
    assert made.deviation is not None
    score = ((clean - made.x) / made.deviation).abs() / (1 + 1 / 8) ** 0.5
    for level in (0.5, 0.9):
        covered = float((score < student.ppf((1 + level) / 2, 7)).float().mean())
        assert abs(covered - level) < 0.02


def test_draws_are_those_of_seed_particle_and_sample() -> None:
    """Whatever is drawn beside them: fewer samples, other particles, another order."""
    measurement = measured(5)[1]
    made = small(samples=3)(measurement)
    assert made.samples is not None
    fewer = small(samples=2)(measurement.part(torch.tensor([4, 1])))
    assert fewer.samples is not None
    assert torch.equal(fewer.samples, made.samples[:2, [4, 1]])
    one = small(samples=1)(measurement)
    assert one.deviation is one.samples is None
    assert torch.equal(one.x, made.samples[0])
    other = small(samples=1, seed=1)(measurement)
    assert float((other.x - one.x).abs().min(dim=0).values.max()) > 0
    assert not torch.equal(made.samples[0], made.samples[1])
    torch.testing.assert_close(made.x, made.samples.mean(0))
    torch.testing.assert_close(made.deviation, made.samples.std(0))
    assert made.network_evaluations == 1 + 3 * 3


def test_in_memory_at_once_is_what_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = small(samples=5)(measured(4)[1])
    monkeypatch.setattr("cryosense.reconstructors.learned_posterior.PIXELS_AT_ONCE", 8 * N**2)
    assert torch.equal(small(samples=5)(measured(4)[1]).x, whole.x)


def test_units_do_not_matter() -> None:
    measurement = measured(2)[1]
    large = Measurement(1000 * measurement.y, FOURIER, numbers=measurement.numbers)
    torch.testing.assert_close(small()(large).x / 1000, small()(measurement).x, atol=1e-3, rtol=1e-3)


def test_ctfs_are_told_to_a_network_that_was_told_them(tmp_path: Path) -> None:
    seen = measured(2)[1]
    ctf = torch.rand(2, 1, N, N // 2 + 1, generator=torch.Generator().manual_seed(2))
    for told in (True, False):
        path = written(tmp_path / str(told), small_network(), ctf=told)
        method = LearnedPosterior(path, network_evaluations=2, samples=2)
        assert method.knows_ctf == LearnedPosterior.knows_ctf_with({"path": path}) == told
        assert torch.equal(method(seen.seen_through(ctf)).x, method(seen).x) == (not told)


def test_what_cannot_sample_is_refused(tmp_path: Path) -> None:
    cases = [("unet", ToldUNet(1, 4, 2, 5), "clean and sampling"), ("cnn", UnrolledNetwork(1, 4), "clean and sampling")]
    for name, network, loss in (*cases, ("never told", small_network(), "clean")):
        with pytest.raises(UnrolledModelError, match="did not learn to sample: give a ToldUNet that did"):
            LearnedPosterior(written(tmp_path / name, network, loss=loss))
    fourier_only = LearnedPosterior(written(tmp_path / "one", small_network(), "FourierSampling"))
    with pytest.raises(UnrolledModelError, match="trained for FourierSampling, the operator is PixelMasking"):
        fourier_only.prepare(PIXELS)
    with pytest.raises(UnrolledModelError, match="the operator is SignedBinning"):
        small().prepare(SignedBinning(N))
    for changes, message in (({"samples": 0}, "samples=0"), ({"network_evaluations": 0}, "network_evaluations=0")):
        with pytest.raises(ArgumentError, match=message):
            small(**changes)


def test_it_is_shown_with_what_it_was_made_with() -> None:
    shown = repr(small(samples=3))
    assert "samples=3" in shown
    assert "evaluations=3" in shown


def test_its_start_is_the_mean_of_all() -> None:
    """One evaluation at endless noise, from which nothing is learned."""
    network, measurement = Exact(SPECTRUM, NOISE), measured(2)[1]
    made = exactly(network, samples=1, network_evaluations=1, highest_std=1e4)(measurement)
    torch.testing.assert_close(made.x, network.posterior(measurement.y, FOURIER)[0], atol=1e-3, rtol=1e-3)
