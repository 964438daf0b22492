"""Posterior samples in the bench: keyed by particle, their mean the Wiener estimate where the prior is Gaussian."""

from functools import partial

import pytest
import torch

from cryosense import fourier
from cryosense.denoisers import CleanGaussianFromImages, DDPMDenoiser, Denoiser, GaussianDenoiser, GaussianFromImages
from cryosense.measurement import GaussianNoise, Measurement, Noise, NoNoise
from cryosense.operators import FourierSampling, LinearOperator, PixelMasking, masks
from cryosense.reconstructors import Posterior, Sampler
from cryosense.reconstructors.samplers import stationary_covariance
from cryosense.solvers.posterior import ddnm, pigdm
from tests.training.networks import scheduler, tiny_network

N = 16
SCHEDULE = scheduler().alphas_cumprod
OPERATORS = [
    FourierSampling(masks.radial(N, 0.4, sectors=20, seed=0, symmetric=True)),
    PixelMasking(masks.random_binary(N, 8, keep_probability=0.5, seed=0), 4),
]


STATIONARY = Sampler("stationary", pigdm, partial(stationary_covariance, tolerance=1e-5, max_iterations=200))


def gaussian() -> GaussianDenoiser:
    radius = fourier.frequency_radius(N)
    return GaussianDenoiser(0.1, 0.3 / (1 + (radius / 3) ** 2) + 0.02, SCHEDULE)


def images(count: int) -> torch.Tensor:
    noise = torch.randn(count, 1, N, N, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return (0.1 + fourier.ifftn(fourier.fftn(noise) * gaussian().spectrum.sqrt()).real).float()


def method(denoiser: Denoiser | GaussianFromImages, samples: int, evaluations: int = 8, **changes: object) -> Posterior:
    settings = {
        "prior": "some",
        "sampler": STATIONARY,
        "network_evaluations": evaluations,
        "spacing": "trailing",
        "samples": samples,
        "first_timestep": None,
        "seed": 3,
    }
    return Posterior(denoiser, **(settings | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize("operator", OPERATORS, ids=["fourier", "pixel"])
@pytest.mark.parametrize("noise", [NoNoise(), GaussianNoise(0.2, "measurement", "after", 0)], ids=["clean", "noisy"])
def test_the_mean_of_gaussian_samples_is_the_linear_estimate(operator: LinearOperator, noise: Noise) -> None:
    samples, x = 64, images(3)
    y, row_std = noise.measure(operator, x, torch.arange(3)), noise.row_std(operator)
    made = method(gaussian(), samples)(Measurement(y, operator, row_std))
    level = torch.full((1, 1, N, N), 0.1)
    expected = 0.1 + operator.stationary_posterior_mean(y - operator(level), gaussian().spectrum, row_std)[0]
    assert made.deviation is not None
    assert made.samples is not None
    z = ((made.x - expected) / (made.deviation / samples**0.5 + 1e-4)).flatten()
    # Mean square of 768 values of a t distribution with 63 degrees of freedom (1.03), correlated over an image: within 0.3.
    assert float(z.square().mean()) == pytest.approx(1.0, abs=0.3)
    assert made.network_evaluations == samples * 8
    torch.testing.assert_close(made.samples.mean(0), made.x)


def test_a_particle_is_the_same_alone_in_a_batch_and_in_another_order() -> None:
    """Bit for bit, through a network and on masks of one's own."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        denoiser = DDPMDenoiser(tiny_network(), SCHEDULE, "epsilon", gaussian())
    x, numbers = images(8), torch.tensor([5, 9, 2, 11, 40, 7, 3, 1])
    for operator in OPERATORS:
        y, way = operator(x), method(denoiser, 2, 4)
        together = way(Measurement(y, operator, numbers=numbers))
        order = torch.tensor([6, 2, 0])
        some = way(Measurement(y[order], operator, numbers=numbers[order]))
        alone = way(Measurement(y[3:4], operator, numbers=numbers[3:4]))
        assert torch.equal(some.x, together.x[order])
        assert torch.equal(alone.x, together.x[3:4])
        assert not torch.equal(way(Measurement(y[3:4], operator, numbers=numbers[2:3])).x, alone.x)
        assert torch.equal(method(denoiser, 1, 4)(Measurement(y, operator, numbers=numbers)).x, together.samples[0])  # type: ignore[index]


def test_a_start_from_the_pseudo_inverse_takes_the_timesteps_below() -> None:
    way = method(gaussian(), 1, 5, first_timestep=299)
    assert way.timesteps(gaussian()).tolist()[0] == 299
    assert len(way.timesteps(gaussian())) == 5
    y = OPERATORS[0](images(1))
    assert torch.isfinite(way(y, OPERATORS[0]).x).all()


def test_a_gaussian_that_is_still_to_be_fitted_learns_the_spectrum() -> None:
    way = method(GaussianFromImages(1000, 1e-4, 0.02), 1)
    assert way.learns
    with pytest.raises(ValueError, match="fit it on images first"):
        way(OPERATORS[0](images(1)), OPERATORS[0])
    train = images(400)
    way.fit(train, train)
    assert way.gaussian is not None
    torch.testing.assert_close(way.gaussian.spectrum, gaussian().spectrum, rtol=0.25, atol=0.0)


def disc() -> torch.Tensor:
    """-> (n, n): 1 within the inscribed circle less 2 pixels, as particles are."""
    return (fourier.frequency_radius(N) < N / 2 - 2).float()


def particle_noise(count: int, corner: float) -> torch.Tensor:
    """Noise of variance 0.4 per pixel: white for a corner of 0, else falling with frequency."""
    power = 1 / (1 + corner * fourier.frequency_radius(N))
    white = torch.randn(count, 1, N, N, generator=torch.Generator().manual_seed(9), dtype=torch.float64)
    return (fourier.ifftn(fourier.fftn(white) * (0.4 * power / power.mean()).sqrt()).real).float()


@pytest.mark.parametrize("operator", OPERATORS, ids=["fourier", "pixel"])
@pytest.mark.parametrize("corner", [0.0, 1.0], ids=["white", "coloured"])
def test_samples_of_clean_images_take_the_particles_noise_for_noise(operator: LinearOperator, corner: float) -> None:
    """Their mean is the best linear estimate of the clean image, by dense algebra with the spectra that were learned."""
    samples, train, x = 32, images(403)[:400], images(403)[400:]
    way = method(CleanGaussianFromImages(coloured=corner > 0), samples, 4)
    every = particle_noise(403, corner)
    way.fit(train + every[:400], train)
    noise = GaussianNoise(0.1, "measurement", "after", 0)
    y, row_std = noise.measure(operator, x + every[400:], torch.arange(3)), noise.row_std(operator)
    made, prior, unseen = way(Measurement(y, operator, row_std)), way.gaussian, way.image_noise
    assert prior is not None
    assert unseen is not None
    assert float(unseen.mean()) == pytest.approx(0.4, rel=0.02)
    assert float(unseen[0, 0]) == pytest.approx(float(unseen.mean()), rel=0.02 if corner == 0 else 1.0)
    units = torch.eye(N * N, dtype=torch.float64).reshape(-1, 1, N, N)
    exact = operator.double_precision()
    known = (exact.row_noise_gain > 0).flatten()
    rows = exact.row_forward(units).flatten(1).T[known]
    planes = (fourier.centred_to_half_plane(plane) for plane in (prior.spectrum, unseen))
    spread, around = (fourier.filtered(units, plane).flatten(1) for plane in planes)
    deviations = row_std.double().expand_as(exact.row_noise_gain).flatten()[known]
    gain = spread @ rows.T @ torch.linalg.inv(rows @ (spread + around) @ rows.T + torch.diag(deviations**2))
    c = exact.row_coordinates(y.double()).flatten(1)[:, known]
    expected = prior.mean + (c - prior.mean * rows.sum(1)) @ gain.T
    variance = (spread - gain @ rows @ spread).diagonal()
    z = (made.x.flatten(1) - expected) / (variance / samples).sqrt()
    assert float(z.square().mean()) == pytest.approx(1.0, abs=0.3)
    assert made.deviation is not None
    assert float(made.deviation.double().square().mean() / variance.mean()) == pytest.approx(1.0, abs=0.1)


def test_without_clean_images_the_spectrum_is_deconvolved() -> None:
    """White noise by the variance outside the circle, where no particle is; what it leaves of the spectrum is of particles."""
    clean = 3 * (images(600) - 0.1) * disc()
    seen = clean + particle_noise(600, 0.0)
    (told, its_noise), (prior, noise) = (CleanGaussianFromImages().split(seen, targets) for targets in (clean, seen))
    assert float(noise[0, 0]) == pytest.approx(0.4, rel=0.05)
    assert float(its_noise[0, 0]) == pytest.approx(0.4, rel=0.02)
    strong = told.spectrum > 0.4
    assert int(strong.sum()) > 4
    torch.testing.assert_close(prior.spectrum[strong], told.spectrum[strong], rtol=0.25, atol=0.0)
    with pytest.raises(ValueError, match="coloured=true needs clean images"):
        CleanGaussianFromImages(coloured=True).split(seen, seen)


def through_ctfs(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """-> images (b, 1, n, n) seen through a CTF each, and the CTFs: of some defoci, with astigmatism."""
    fine, row = torch.arange(N // 2 + 1), (torch.arange(N) + N // 2) % N - N // 2
    defocus = 0.03 + 0.05 * torch.rand(len(x), 1, 1, 1, generator=torch.Generator().manual_seed(4))
    ctf = torch.sin(0.1 + defocus * (1.2 * row[:, None] ** 2 + 0.8 * fine**2 + 0.3 * row[:, None] * fine))
    ctf[..., 1:, 0] = (ctf[..., 1:, 0] + ctf[..., 1:, 0].flip(-1)) / 2  # the same at k and -k
    ctf[..., 1:, -1] = (ctf[..., 1:, -1] + ctf[..., 1:, -1].flip(-1)) / 2
    kept = ctf.clone()
    kept[..., 0, 0] = 1
    return fourier.filtered(x, kept), ctf


@pytest.mark.parametrize("operator", OPERATORS, ids=["fourier", "pixel"])
@pytest.mark.parametrize("known", [True, False], ids=["clean-known", "not"])
def test_each_image_is_taken_through_its_own_ctf(operator: LinearOperator, known: bool) -> None:
    """Of noise-free particles through CTFs, the mean is that of dense algebra with the CTF of each; samples are of C x."""
    samples, learnt = 32, 800
    seen, ctf = through_ctfs(images(learnt + 3))
    noisy = seen + particle_noise(learnt + 3, 0.0)
    way = method(CleanGaussianFromImages(), samples, 4)
    assert way.knows_ctf
    way.fit(noisy[:learnt], seen[:learnt] if known else noisy[:learnt], ctf[:learnt])
    prior, unseen = way.gaussian, way.image_noise
    assert prior is not None
    assert unseen is not None
    strong = fourier.frequency_radius(N) < 6  # what the noise leaves to be seen
    if known:
        torch.testing.assert_close(prior.spectrum[strong], gaussian().spectrum[strong], rtol=0.4, atol=0.0)
    y, own = operator(seen[learnt:]), ctf[learnt:]
    measurement = Measurement(y, operator).seen_through(own)
    made = way(measurement)
    units = torch.eye(N * N, dtype=torch.float64).reshape(-1, 1, N, N)
    exact = operator.double_precision()
    usable = (exact.row_noise_gain > 0).flatten()
    rows = exact.row_forward(units).flatten(1).T[usable]
    spread, around = (
        fourier.filtered(units, fourier.centred_to_half_plane(plane)).flatten(1) for plane in (prior.spectrum, unseen)
    )
    squares = []
    for i in range(3):
        plane = own[i, 0].double().clone()
        plane[0, 0] = 1
        transfer = fourier.filtered(units, plane).flatten(1)
        of_image = transfer @ spread @ transfer.T
        gain = of_image @ rows.T @ torch.linalg.inv(rows @ (of_image + around) @ rows.T)
        c = exact.row_coordinates(y.double()).flatten(1)[i, usable]
        expected = prior.mean + (c - prior.mean * rows.sum(1)) @ gain.T
        variances, directions = torch.linalg.eigh(of_image - gain @ rows @ of_image)
        open_ = variances > 1e-3 * variances.max()  # what is known without a measurement has no spread to speak of
        misfit = (made.x[i].flatten().double() - expected) @ directions
        assert float(misfit[~open_].norm() / misfit.norm()) < 0.2
        squares.append(misfit[open_] ** 2 / variances[open_] * samples)
    z = torch.cat(squares)
    assert float(z.mean()) == pytest.approx(1.0, abs=5 * (2 / len(z)) ** 0.5)


@pytest.mark.parametrize("operator", OPERATORS, ids=["fourier", "pixel"])
def test_with_ctfs_a_particle_is_the_same_alone_and_in_another_order(operator: LinearOperator) -> None:
    seen, ctf = through_ctfs(images(60))
    way = method(CleanGaussianFromImages(), 2, 4)
    way.fit(seen + particle_noise(60, 0.0), seen, ctf)
    whole = Measurement(operator(seen[:5]), operator).seen_through(ctf[:5])
    together, order = way(whole).x, torch.tensor([4, 1, 2])
    assert torch.equal(way(whole.part(order)).x, together[order])
    assert torch.equal(way(whole.part(torch.tensor([3]))).x, together[3:4])
    swapped = way(whole.seen_through(ctf[[4, 1, 2, 3, 0]])).x  # of the first five the defoci that differ most
    assert torch.equal(swapped[1:4], together[1:4])
    assert all(float((swapped[i] - together[i]).norm() / together[i].norm()) > 0.3 for i in (0, 4))


def test_methods_that_do_not_know_ctfs_do_not_look_at_them() -> None:
    """Priors of frames as they are, samplers that are not exact, and starts from a pseudo-inverse, bit for bit."""
    clean, operator = CleanGaussianFromImages(), OPERATORS[0]
    seen, ctf = through_ctfs(images(60))
    measurement = Measurement(operator(seen[:3]), operator)
    for way in (
        method(gaussian(), 1, 4),
        method(clean, 1, 4, sampler=Sampler("ddnm", ddnm)),
        method(clean, 1, 4, first_timestep=500),
    ):
        assert not way.knows_ctf
        way.fit(seen + particle_noise(60, 0.0), seen)
        assert torch.equal(way(measurement.seen_through(ctf[:3])).x, way(measurement).x)


def test_settings_that_cannot_be_are_refused() -> None:
    for changes, message in (
        ({"samples": 0}, "samples=0"),
        ({"evaluations": 1001}, "timesteps 0 to 999"),
        ({"first_timestep": 3}, "first_timestep=3"),
    ):
        with pytest.raises(ValueError, match=message):
            method(gaussian(), **({"samples": 1} | changes))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="sampler: ddnm does not know coloured noise"):
        method(CleanGaussianFromImages(coloured=True), 1, sampler=Sampler("ddnm", ddnm)).prepare(OPERATORS[1])
    with pytest.raises(ValueError, match=f"model of images of {N} px, the particles have 32 px"):
        method(gaussian(), 1).prepare(FourierSampling(torch.ones(32, 32)))
