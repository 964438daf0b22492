"""Resampled FSC against the scatter of independent data of the same kind."""

import pytest
import torch
from torch import Tensor

from cryosense.fourier import fftn, ifftn, shell_index
from cryosense.metrics import fsc, fsc_replicates

N, GROUPS = 16, 8


def signal() -> Tensor:
    """-> (N, N, N): power falls from 30 times that of a half map's noise to a thirtieth."""
    white = torch.randn(N, N, N, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    ratio = 10 ** torch.linspace(1.5, -1.5, N // 2 + 1, dtype=torch.float64)
    return ifftn(fftn(white, 3) * ratio[shell_index(N, 3).clamp(max=N // 2)].sqrt(), 3).real


def data(seed: int) -> tuple[Tensor, Tensor]:
    """-> (2, N, N, N) half maps and (2, GROUPS, N, N, N) deviations of their groups."""
    noise = torch.randn(2, GROUPS, N, N, N, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    noise = noise / GROUPS**0.5  # of each group's share in the half map
    halves = signal() + noise.sum(1)
    return halves, noise - noise.mean(1, keepdim=True)


def test_scatter_is_that_of_other_data() -> None:
    """Mean variance over data sets within 25 % of the variance between 200 data sets (standard error about 10 %)."""
    curves = torch.stack([fsc(*data(seed)[0]) for seed in range(200)])
    estimated = []
    for seed in range(30):
        halves, deviations = data(seed)
        drawn = fsc_replicates(*halves, *deviations, replicates=400, seed=seed)
        assert float((drawn.median(0).values - fsc(*halves))[2:].abs().max()) < 0.1
        estimated.append(drawn.var(0))
    ratio = torch.stack(estimated).mean(0) / curves.var(0)
    assert 0.75 < float(ratio[2:].mean()) < 1.25
    assert float(ratio[2:].min()) > 0.5
    assert float(ratio[2:].max()) < 1.6


def test_the_same_seed_draws_the_same() -> None:
    halves, deviations = data(0)
    drawn = [fsc_replicates(*halves, *deviations, replicates=5, seed=seed) for seed in (3, 3, 4)]
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])


def test_one_group_says_nothing() -> None:
    halves, deviations = data(0)
    with pytest.raises(ValueError, match="at least two"):
        fsc_replicates(*halves, *deviations[:, :1], replicates=5, seed=0)
