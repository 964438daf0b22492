"""Draws with a denoiser that is known in closed form: how much of a Gaussian's variance is left, and whose bias is least."""

import math
from collections.abc import Callable
from itertools import pairwise

import pytest
import torch
from torch import Tensor

from cryosense.errors import ArgumentError
from cryosense.solvers.diffused import DPMSolver

# From ten times the lowest noise's variance to a thirteenth of the highest's.
VARIANCES = torch.logspace(-3, 1.5, 10, dtype=torch.float64)
Denoise = Callable[[Tensor, float], Tensor]


def denoise(x: Tensor, std: float) -> Tensor:
    """E[s | x] of independent Gaussians about 0, one in each column."""
    return x * VARIANCES / (VARIANCES + std**2)


def variances(solver: DPMSolver) -> Tensor:
    """-> of what is drawn, exactly: the draw is linear in its noises, which are told apart by giving each alone."""
    length = solver.evaluations if solver.churn else 1
    alone = torch.eye(length, dtype=torch.float64)[:, :, None] * torch.ones_like(VARIANCES)  # (draw, its number, column)
    drawn = solver.draw(denoise, solver.highest_std * alone[:, 0], lambda i: alone[:, i])
    return drawn.square().sum(0)


def first_order(levels: list[float]) -> Tensor:
    x = levels[0] * torch.ones_like(VARIANCES)
    for std, following in pairwise([*levels, 0.0]):
        x = denoise(x, std) + following / std * (x - denoise(x, std))
    return x.square()


def heun(levels: list[float]) -> Tensor:
    """Karras et al. 2022, algorithm 1, which calls the denoiser twice in each step but the last."""
    x = levels[0] * torch.ones_like(VARIANCES)
    for std, following in pairwise([*levels, 0.0]):
        slope = (x - denoise(x, std)) / std
        ahead = x + (following - std) * slope
        if following > 0:
            ahead = x + (following - std) * (slope + (ahead - denoise(ahead, following)) / following) / 2
        x = ahead
    return x.square()


def bias(found: Tensor) -> float:
    return float((found / VARIANCES - 1).abs().max())


def test_twenty_calls_leave_a_gaussians_variance_and_others_do_not() -> None:
    ours = bias(variances(DPMSolver()))
    assert ours < 0.10
    assert bias(heun(DPMSolver(10).levels)) > 2 * ours
    assert bias(first_order(DPMSolver().levels)) > 2 * ours


@pytest.mark.parametrize("churn", [0.0, 1.0])
def test_many_calls_leave_all_of_it_but_what_the_start_lacks(churn: float) -> None:
    solver = DPMSolver(400, lowest_std=1e-3, churn=churn)
    left = variances(solver) / VARIANCES
    lacking = solver.highest_std**2 / (solver.highest_std**2 + VARIANCES) if churn == 0 else torch.ones_like(left)
    torch.testing.assert_close(left, lacking, rtol=0.0, atol=0.025)


def test_the_mean_is_where_the_start_is() -> None:
    for churn in (0.0, 1.0):
        middle = DPMSolver(churn=churn).draw(denoise, torch.zeros(1, len(VARIANCES)), lambda i: torch.zeros(1))
        assert not middle.any()


def test_levels_fall_from_the_highest_to_the_lowest_and_one_call_is_the_denoiser() -> None:
    levels = DPMSolver(20, 20.0, 0.01).levels
    assert (len(levels), levels[0]) == (20, pytest.approx(20.0))
    assert levels[-1] == pytest.approx(0.01)
    assert all(a > b for a, b in pairwise(levels))
    x = torch.ones(1, len(VARIANCES), dtype=torch.float64)
    assert torch.equal(DPMSolver(1).draw(denoise, x, lambda i: x), denoise(x, DPMSolver(1).levels[0]))


@pytest.mark.parametrize(
    "settings",
    [{"evaluations": 0}, {"lowest_std": 0.0}, {"lowest_std": 30.0}, {"highest_std": math.inf}, {"rho": 0.0}, {"churn": 1.5}],
)
def test_numbers_out_of_range_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(ArgumentError, match=next(iter(settings))):
        DPMSolver(**settings)  # type: ignore[arg-type]
