"""Total variation: closed forms, the adjoint, and the prox against an independent dual solver."""

import math

import pytest
import torch

from cryosense.priors import TotalVariation

BOTH = pytest.mark.parametrize("prior", [TotalVariation(), TotalVariation(isotropic=False)], ids=["isotropic", "anisotropic"])


def images(count: int, n: int, seed: int = 0, channels: int = 1) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, channels, n, n, dtype=torch.float64, generator=generator)


@pytest.mark.parametrize(("isotropic", "corner"), [(True, math.sqrt(2)), (False, 2.0)])
def test_a_box_has_its_perimeter(isotropic: bool, corner: float) -> None:
    x = torch.zeros(1, 1, 32, 32)
    x[..., 5:15, 8:28] = 3.0
    # Forward differences: all sides of 10 and 20, but at the inner corner, where both are at one pixel.
    assert float(TotalVariation(isotropic)(x)) == pytest.approx(3.0 * (2 * (10 + 20) - 2 + corner))


@BOTH
def test_edges_of_the_image_are_free(prior: TotalVariation) -> None:
    x = torch.zeros(1, 1, 32, 32)
    x[..., 16:, :] = 1.0
    assert float(prior(x)) == 32.0
    assert float(prior(torch.full((1, 1, 32, 32), 0.7))) == 0.0


@BOTH
@pytest.mark.parametrize("n", [32, 48, 128])
def test_adjoint_and_exact_solve(prior: TotalVariation, n: int) -> None:
    x, c = images(2, n), images(2, n, 1, channels=2)
    torch.testing.assert_close((prior.analysis(x) * c).sum(), (x * prior.analysis_adjoint(c)).sum())
    for weight in (0.1, 30.0):
        z = prior.solve(x, weight)
        back = z + weight * prior.analysis_adjoint(prior.analysis(z))
        torch.testing.assert_close(back, x, atol=1e-9, rtol=0)


def dual_prox(x: torch.Tensor, prior: TotalVariation, step: float, isotropic: bool) -> torch.Tensor:
    """Chambolle's dual problem min |x - K^T p|^2 over |p| <= step, by accelerated projected gradients."""
    p = point = torch.zeros(len(x), 2, *x.shape[2:], dtype=x.dtype)
    t = 1.0
    for _ in range(2000):
        q = point + prior.analysis(x - prior.analysis_adjoint(point)) / 8
        q = q / (q.norm(dim=1, keepdim=True) / step).clamp_min(1) if isotropic else q.clamp(-step, step)
        t, before = (1 + math.sqrt(1 + 4 * t * t)) / 2, t
        point, p = q + (before - 1) / t * (q - p), q
    return x - prior.analysis_adjoint(p)


@BOTH
@pytest.mark.parametrize("step", [0.02, 0.1, 0.5])
def test_prox_against_the_dual_problem(prior: TotalVariation, step: float) -> None:
    x = images(2, 24) / 4  # of about unit range
    expected = dual_prox(x, prior, step, prior.isotropic)
    torch.testing.assert_close(prior.prox(x, step), expected, atol=3e-4, rtol=0)


@BOTH
def test_prox_limits(prior: TotalVariation) -> None:
    x = images(3, 32).float()
    torch.testing.assert_close(prior.prox(x, 0.0), x, atol=1e-5, rtol=0)
    constant = torch.full((1, 1, 32, 32), -0.4)
    torch.testing.assert_close(prior.prox(constant, 2.0), constant, atol=1e-5, rtol=0)
    flat = prior.prox(x, 100.0)
    torch.testing.assert_close(flat, x.mean((2, 3), keepdim=True).expand_as(x), atol=1e-3, rtol=0)


@BOTH
def test_images_do_not_see_each_other(prior: TotalVariation) -> None:
    x = images(5, 48).float() * torch.tensor([1.0, 0.01, 1.0, 5.0, 1.0]).view(-1, 1, 1, 1)
    assert torch.equal(prior.prox(x, 0.3)[3:4], prior.prox(x[3:4], 0.3))
    torch.testing.assert_close(prior(x)[3:4], prior(x[3:4]))


@BOTH
def test_the_start_is_flat_and_each_image_has_its_own(prior: TotalVariation) -> None:
    x = torch.randn(3, 1, 16, 16, generator=torch.Generator().manual_seed(0)) + torch.arange(3.0)[:, None, None, None]
    start = prior.start(x)
    assert float(prior(start).max()) == 0
    torch.testing.assert_close(start.mean((1, 2, 3)), x.mean((1, 2, 3)))
    assert torch.equal(prior.start(x[1:2])[0], start[1])
