"""Samples of clean projections: seen through a CTF, in noise of their own that counts as noise of the measurement."""

import pytest
import torch

from cryosense import fourier
from cryosense.errors import ArgumentError
from cryosense.operators import LinearOperator
from cryosense.solvers.posterior import Imaging, Task
from cryosense.volumes.ctf import CtfParameters, ctf_half_plane
from tests.solvers.gaussian_problem import (
    ABAR,
    NOISES,
    batch_noise,
    denoiser,
    image,
    keyed_noise,
    operators,
    posterior,
    samplers,
    timesteps,
)

N = 16
OPERATORS = operators(N)
DOMAINS = pytest.mark.parametrize("operator", OPERATORS.values(), ids=OPERATORS.keys())
DRAWS, MEANS = samplers(N)["pigdm stationary draws"], samplers(N)["pigdm stationary"]


def transfers(count: int) -> torch.Tensor:
    """-> (count, 1, n, n // 2 + 1): CTFs with zeros inside the box."""
    defocus = torch.linspace(6000.0, 12000.0, count)
    parameters = CtfParameters(defocus, defocus - 300, torch.linspace(0.0, 90.0, count), 300.0, 2.7, 0.1, 0.0, 50.0)
    return ctf_half_plane(parameters, N, 6.0)[:, None]


def coloured() -> torch.Tensor:
    """-> (1, 1, n, n // 2 + 1): power that falls with frequency."""
    return fourier.centred_to_half_plane(0.5 / (1 + fourier.frequency_radius(N) / 2))[None, None]


IMAGINGS = {
    "noise": Imaging(noise=coloured()),
    "ctf": Imaging(transfer=transfers(1)),
    "both": Imaging(transfers(1), coloured()),
}


def seen(imaging: Imaging, x: torch.Tensor, seed: int = 11) -> torch.Tensor:
    noise = imaging.noisy(torch.randn(x.shape, generator=torch.Generator().manual_seed(seed)))
    return imaging.image(x) if noise is None else imaging.image(x) + noise


@DOMAINS
@pytest.mark.parametrize("noise", NOISES.values(), ids=NOISES.keys())
@pytest.mark.parametrize("imaging", IMAGINGS.values(), ids=IMAGINGS.keys())
def test_draws_are_the_posterior_of_the_clean_gaussian(operator: LinearOperator, noise, imaging: Imaging) -> None:
    """As in the test without imaging, but 8 steps: for a Gaussian the sampler is exact at any number of them.

    Modes that the measurement leaves with less than 1e-5 of variance are met to 1e-2; single precision does not tell more.
    """
    count = 1000
    y = noise.measure(operator, seen(imaging, image(N)), torch.arange(1))
    row_std, draws = noise.row_std(operator), batch_noise(count, N)
    task = Task(denoiser(N), operator, y.expand(count, -1, -1, -1), row_std, timesteps(8), ABAR, draws, imaging=imaging)
    exact = posterior(operator, y, row_std, imaging)
    coefficients = (DRAWS(task).double().flatten(1) - exact.mean) @ exact.modes
    unknown = exact.variances > 1e-5
    if not bool(unknown.all()):
        assert float(coefficients[:, ~unknown].abs().max()) < 1e-2
    coefficients, variances = coefficients[:, unknown], exact.variances[unknown]
    z = coefficients.mean(0) / (variances / count).sqrt()
    assert abs(float(z.square().mean()) - 1) < 3 * (2 / len(z)) ** 0.5
    assert float(z.abs().max()) < 4.5
    ratio = coefficients.var(0) / variances
    assert float(ratio.min()) > 0.8
    assert float(ratio.max()) < 1.25


@DOMAINS
def test_an_image_is_the_same_alone_and_among_others(operator: LinearOperator) -> None:
    """Bit for bit, each with its own CTF."""
    every, noise = transfers(5), NOISES["noisy"]

    def sample(chosen: torch.Tensor) -> torch.Tensor:
        imaging = Imaging(every[chosen], coloured())
        images = torch.cat([seen(Imaging(every[i : i + 1], coloured()), image(N, i), i) for i in chosen.tolist()])
        y, draws = noise.measure(operator, images, chosen), keyed_noise(chosen, N)
        return DRAWS(Task(denoiser(N), operator, y, noise.row_std(operator), timesteps(4), ABAR, draws, imaging=imaging))

    together = sample(torch.arange(5))
    assert torch.equal(sample(torch.tensor([3, 1])), together[[3, 1]])
    assert torch.equal(sample(torch.tensor([2])), together[2:3])


def test_intervals_of_samples_cover_the_truth_as_often_as_they_say() -> None:
    """64 images, each drawn from the prior, seen and measured anew: over pixels, within 3 points (images are correlated)."""
    operator, noise, images, samples = OPERATORS["pixel"], NOISES["noisy"], 64, 31
    imaging = Imaging(transfers(images), coloured())
    truth = torch.cat([image(N, 100 + i) for i in range(images)])
    y = noise.measure(operator, seen(imaging, truth), torch.arange(images))
    drawn = []
    for sample in range(samples):
        draws = keyed_noise(torch.arange(images) + 1000 * (sample + 1), N)
        drawn.append(
            DRAWS(Task(denoiser(N), operator, y, noise.row_std(operator), timesteps(4), ABAR, draws, imaging=imaging))
        )
    rank = (torch.stack(drawn) < truth).sum(0).double()  # uniform on 0 .. 31 if truth and samples are of one distribution
    for low, high in ((8, 24), (2, 30)):
        covered = float(((rank >= low) & (rank < high)).double().mean())
        assert covered == pytest.approx((high - low) / (samples + 1), abs=0.03)


def test_samplers_that_do_not_know_it_say_so() -> None:
    operator = OPERATORS["fourier"]
    task = Task(denoiser(N), operator, operator(image(N)), operator.no_row_noise, timesteps(4), ABAR, batch_noise(1, N))
    for name, sampler in samplers(N).items():
        if name in {"pigdm stationary", "pigdm stationary draws", "pigdm jacobian"}:
            assert torch.isfinite(sampler(task._replace(imaging=IMAGINGS["both"]))).all()
        else:
            with pytest.raises(ArgumentError, match="transfer function or in noise"):
                sampler(task._replace(imaging=IMAGINGS["both"]))
