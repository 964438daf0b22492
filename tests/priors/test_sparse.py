"""The l1 prior: its prox in closed form, and what is left unpenalised."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cryosense.priors import DCT, L1, Basis, Wavelet

BASES = pytest.mark.parametrize("basis", [DCT(), Wavelet(), Wavelet("db4", 2)], ids=["dct", "haar", "db4"])


def images(count: int, n: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, 1, n, n, generator=torch.Generator().manual_seed(seed))


@BASES
@pytest.mark.parametrize("penalise_coarse", [False, True])
def test_prox_thresholds_penalised_coefficients(basis: Basis, penalise_coarse: bool) -> None:
    prior, x, coarse = L1(basis, penalise_coarse), images(2, 32), basis.coarse(32)
    before, after = basis.analysis(x), basis.analysis(prior.prox(x, 0.7))
    soft = before.sign() * (before.abs() - 0.7).clamp_min(0)
    expected = soft if penalise_coarse else torch.where(coarse, before, soft)
    torch.testing.assert_close(after, expected, atol=1e-5, rtol=0)
    penalised = torch.ones_like(coarse) if penalise_coarse else ~coarse
    torch.testing.assert_close(prior(x), (before.abs() * penalised).sum((1, 2, 3)))


@given(st.lists(st.floats(-3, 3, width=32), min_size=1, max_size=8), st.floats(0, 2))
def test_no_change_of_the_prox_lowers_its_objective(change: list[float], step: float) -> None:
    prior, x = L1(DCT()), images(1, 8)
    u = prior.prox(x, step)
    moved = u.clone()
    moved.flatten()[: len(change)] += torch.tensor(change)

    def objective(v: torch.Tensor) -> float:
        return float(step * prior(v).double() + (v - x).double().square().sum() / 2)

    assert objective(u) <= objective(moved) + 1e-4


@BASES
def test_constant_images_cost_nothing_and_stay(basis: Basis) -> None:
    prior, constant = L1(basis), torch.full((1, 1, 32, 32), 0.3)
    torch.testing.assert_close(prior(constant), torch.zeros(1), atol=1e-4, rtol=0)
    torch.testing.assert_close(prior.prox(constant, 5.0), constant, atol=1e-5, rtol=0)
    assert float(L1(basis, penalise_coarse=True)(constant)) > 1


@BASES
def test_images_do_not_see_each_other_to_the_bit(basis: Basis) -> None:
    prior, x = L1(basis), images(5, 32)
    assert torch.equal(prior.prox(x, 0.4)[3:4], prior.prox(x[3:4], 0.4))
    assert torch.equal(prior(x)[3:4], prior(x[3:4]))
