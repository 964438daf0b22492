"""Sparse reconstruction of particles: stated gap, independence of the batch to the bit, and what is refused."""

import pytest
import torch

from cryosense.operators import FourierSampling, LinearOperator, PixelMasking, masks
from cryosense.priors import DCT, L1, Prior, TotalVariation, Wavelet
from cryosense.reconstructors import ADMM, FISTA, Sparse

N = 64
PRIORS: dict[str, Prior] = {"dct": L1(DCT()), "wavelet": L1(Wavelet()), "tv": TotalVariation()}
OPERATORS: dict[str, LinearOperator] = {
    "pixel": PixelMasking(masks.random_binary(N, 8, keep_probability=0.5, seed=0), 4),
    "fourier": FourierSampling(masks.radial(N, 0.4, sectors=100, symmetric=True, seed=0)),
}
EVERY = pytest.mark.parametrize("operator", OPERATORS.values(), ids=OPERATORS)


def images(count: int) -> torch.Tensor:
    """-> blobs of several sizes in noise, in about [-1, 1]."""
    generator = torch.Generator().manual_seed(0)
    axis = torch.linspace(-1, 1, N)
    radius = (axis[:, None] ** 2 + axis[None, :] ** 2).sqrt()
    widths = torch.linspace(0.2, 0.6, count).view(-1, 1, 1, 1)
    return (radius < widths).float() - 0.5 + 0.1 * torch.randn(count, 1, N, N, generator=generator)


def reconstructor(name: str, weight: float | None = 0.05, tolerance: float = 1e-4) -> Sparse:
    return Sparse(PRIORS[name], weight, ADMM(tolerance=tolerance, max_iterations=3000))


@EVERY
@pytest.mark.parametrize("name", PRIORS)
def test_an_image_is_the_same_to_the_bit_in_any_batch(operator: LinearOperator, name: str) -> None:
    y, r = operator(images(21)), reconstructor(name)
    whole = r(y, operator)
    for part in (slice(0, 1), slice(5, 8), slice(20, 21)):
        alone = r(y[part], operator)
        assert torch.equal(alone.x, whole.x[part])
        assert alone.iterations is not None
        assert whole.iterations is not None
        assert torch.equal(alone.iterations, whole.iterations[part])


@EVERY
@pytest.mark.parametrize("name", PRIORS)
def test_the_stated_gap_is_near_the_minimum(operator: LinearOperator, name: str) -> None:
    y, prior = operator(images(2)), PRIORS[name]
    exact = operator.double_precision()

    def objective(x: torch.Tensor) -> torch.Tensor:
        return (exact(x.double()) - y.double()).square().flatten(1).sum(1) / 2 + 0.05 * prior(x.double())

    long = reconstructor(name, tolerance=1e-8)(y.double(), exact)
    quick = reconstructor(name)(y, operator)
    assert quick.gap is not None
    assert float(quick.gap.max()) <= 1e-4
    assert float((objective(quick.x) / objective(long.x) - 1).max()) < 3e-4


def test_admm_and_fista_agree() -> None:
    operator = OPERATORS["fourier"]
    y = operator(images(2))
    by_admm = reconstructor("dct", tolerance=1e-6)(y, operator).x
    by_fista = Sparse(PRIORS["dct"], 0.05, FISTA(1e-5))(y, operator).x
    torch.testing.assert_close(by_admm, by_fista, atol=5e-3, rtol=0)


def test_masks_per_particle() -> None:
    """Two particles, each with its own masks: as each alone with its own operator."""
    sets = torch.stack([masks.random_binary(N, 8, keep_probability=0.5, seed=seed) for seed in (1, 2)])
    both, x = PixelMasking(sets, 4), images(2)
    together = reconstructor("dct")(both(x), both).x
    for i in range(2):
        own = PixelMasking(sets[i], 4)
        torch.testing.assert_close(together[i : i + 1], reconstructor("dct")(own(x[i : i + 1]), own).x, atol=1e-3, rtol=0)


def test_weights_are_needed_and_positive() -> None:
    operator = OPERATORS["fourier"]
    with pytest.raises(ValueError, match="weight is null"):
        reconstructor("dct", None)(operator(images(1)), operator)
    with pytest.raises(ValueError, match="weight=0"):
        reconstructor("dct", 0.0)
    assert reconstructor("dct", None).with_weight(0.2).weight == 0.2
