"""One image's measurement and reconstruction, bit for bit the same in chunks of 1, 7 and 64, with one thread and with two."""

from collections.abc import Iterator
from functools import cache

import pytest
import torch
from diffusers import UNet2DModel

from cryosense.denoisers import DDPMDenoiser, GaussianDenoiser
from cryosense.measurement import Design, FourierCrop, FourierDesign, GaussianNoise, Measurement, PixelDesign, acquire
from cryosense.operators import masks
from cryosense.priors import DCT, L1, TotalVariation, Wavelet
from cryosense.reconstructors import (
    ADMM,
    FISTA,
    Estimate,
    Posterior,
    PseudoInverse,
    Reconstructor,
    Sampler,
    Sparse,
    Unrolled,
    Wiener,
    ZeroFilled,
)
from cryosense.reconstructors.samplers import STATIONARY, jacobian_covariance, scalar_covariance
from cryosense.solvers.posterior import ddnm, diffpir, dps, nesterov, pigdm
from tests.reconstructors.sampling_networks import small
from tests.training.networks import TINY, scheduler

N, COUNT = 16, 64
NUMBERS = torch.arange(100, 100 + COUNT)
CHUNKS = [slice(57, 64), slice(0, 1), slice(33, 34)]
NOISE = GaussianNoise(0.1, "image", "after", seed=2)


@cache
def images() -> torch.Tensor:
    """-> (64, 1, n, n): blobs of several sizes in noise."""
    axis = torch.linspace(-1, 1, N)
    widths = torch.linspace(0.2, 0.7, COUNT).view(-1, 1, 1, 1)
    blobs = ((axis[:, None] ** 2 + axis**2).sqrt() < widths).float() - 0.4
    return blobs + 0.3 * torch.randn(COUNT, 1, N, N, generator=torch.Generator().manual_seed(0))


def designs() -> dict[str, Design]:
    found: dict[str, Design] = {}
    for own in (False, True):
        who = "own" if own else "shared"
        found[f"pixel {who}"] = PixelDesign(compression=2.0, per_particle=own)
        for symmetric in (True, False):
            kind = "symmetric" if symmetric else "paper"
            found[f"fourier {kind} {who}"] = FourierDesign(masks.uniform, symmetric, per_particle=own)
        found[f"crop {who}"] = FourierCrop(FourierDesign(masks.uniform, False, per_particle=own))
    return found


def posterior(sampler: Sampler) -> Posterior:
    schedule = scheduler().alphas_cumprod
    gaussian = GaussianDenoiser.fit(images(), schedule)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        denoiser = DDPMDenoiser(UNet2DModel(**(TINY | {"sample_size": N})), schedule, "epsilon", gaussian)
    return Posterior(denoiser, sampler=sampler, network_evaluations=2)


@cache
def methods() -> dict[str, Reconstructor]:
    few = ADMM(max_iterations=6, tolerance=1e-2, check_every=2)
    wiener = Wiener()
    wiener.fit(images(), images())
    return {
        "zero_filled": ZeroFilled(),
        "pinv": PseudoInverse(),
        "wiener": wiener,
        "dct": Sparse(L1(DCT()), 0.1, few),
        "dct fista": Sparse(L1(DCT()), 0.1, FISTA(max_iterations=6, tolerance=1e-2, check_every=2)),
        "wavelet": Sparse(L1(Wavelet()), 0.1, few),
        "tv": Sparse(TotalVariation(), 0.1, few),
        "unrolled": Unrolled(),
        "learned_posterior": small(samples=2),
        "stationary": posterior(STATIONARY),
        "jacobian": posterior(Sampler("jacobian", pigdm, jacobian_covariance)),
        "pigdm": posterior(Sampler("pigdm", pigdm, scalar_covariance)),
        **{f.__name__: posterior(Sampler(f.__name__, f)) for f in (ddnm, diffpir, dps, nesterov)},
    }


@pytest.fixture(params=[1, pytest.param(2, marks=pytest.mark.slow)])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def measured(design: Design, chunk: slice) -> Measurement:
    return acquire(images()[chunk], NUMBERS[chunk], design, NOISE)


METHODS = ["zero_filled", "pinv", "wiener", "dct", "dct fista", "wavelet", "tv", "unrolled", "learned_posterior"]
METHODS += ["stationary", "jacobian", "pigdm", "ddnm", "diffpir", "dps", "nesterov"]


@pytest.mark.parametrize("design_name", designs())
@pytest.mark.usefixtures("threads")
def test_no_image_sees_its_chunk(design_name: str) -> None:
    design, whole = designs()[design_name], measured(designs()[design_name], slice(0, COUNT))
    chunks = {str(chunk): measured(design, chunk) for chunk in CHUNKS}
    different = []
    for chunk in CHUNKS:
        part = chunks[str(chunk)]
        same = torch.equal(part.y, whole.y[chunk]) and torch.equal(part.bits, whole.bits[chunk])
        different += [] if same else [f"measurement in {chunk}"]
    for name in METHODS:
        expected: Estimate = methods()[name](whole)
        for chunk in CHUNKS:
            found = methods()[name](chunks[str(chunk)])
            if not torch.equal(found.x, expected.x[chunk]):
                different.append(f"{name} in {chunk}: {float((found.x - expected.x[chunk]).abs().max()):.1e}")
    assert different == []
