"""Bootstrap intervals against independent data sets of the same kind."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

from cryosense import fourier
from cryosense.metrics import HalfMapCurves, fsc, resolution_angstrom
from cryosense.simulation.builtin import HingedChain
from cryosense.tasks.maps.half_sums import HalfSums
from cryosense.tasks.maps.uncertainty import Bootstrap
from cryosense.volumes.backproject import slices
from cryosense.volumes.poses import quaternion_rotations
from cryosense.volumes.project import Projector
from cryosense.volumes.symmetry import point_group

N, PIXEL, COUNT, SNR, DATA_SETS = 24, 8.0, 400, 0.03, 30


def half_sums(projector: Projector, bootstrap: Bootstrap, seed: int) -> HalfSums:
    generator = torch.Generator().manual_seed(seed)
    rotations = quaternion_rotations(torch.randn(COUNT, 4, generator=generator))
    clean = fourier.from_half_plane(projector(rotations, torch.zeros(COUNT, dtype=torch.long)), N)
    images = clean / clean.std() * SNR**0.5 + torch.randn(clean.shape, generator=generator)
    sums, number = HalfSums(N, 2, bootstrap.groups_in_use), torch.arange(COUNT)
    terms = slices(images, torch.zeros(COUNT, 2), None, None, PIXEL)
    sums.insert(terms, rotations, number % 2, bootstrap.group_of(number), torch.tensor([N * N]), point_group("C1"))
    return sums


def test_intervals_of_the_resolution_cover_what_other_particles_give() -> None:
    """Of 30 intervals of 95 %, at least 24 hold the median resolution; their width is the scatter's, to a factor of 1.6.

    Fewer than 24 by chance once in 10^4; the 95 % range of 30 data sets is itself known to some 20 %.
    """
    bootstrap = Bootstrap(150, 8, 0.95, 0)
    projector = Projector(HingedChain(0, 16.0, [0.0]).volumes(N, PIXEL), 2)
    found, ends = [], []
    for seed in range(DATA_SETS):
        sums = half_sums(projector, bootstrap, seed)
        halves = (sums.of_half(0).volume(1e-3), sums.of_half(1).volume(1e-3))
        curve = fsc(*halves)
        plain = HalfMapCurves(curve, curve, 0 * curve, len(curve))
        draws = bootstrap.draw(sums, 1e-3, halves, torch.ones(N, N, N), plain)
        torch.testing.assert_close(draws["corrected"], draws["masked"])
        table = pd.DataFrame({"curve": ["unmasked", "unmasked", "to_reference"], "threshold": [0.143, 0.5, 0.5]})
        read = bootstrap.resolutions(draws, table, N, PIXEL)
        assert read.loc[2, ["interval_low_angstrom", "interval_high_angstrom"]].isna().all()
        ends.append(read.loc[:1, ["interval_low_angstrom", "interval_high_angstrom"]].to_numpy())
        found.append([resolution_angstrom(curve, PIXEL, N, threshold) for threshold in (0.143, 0.5)])
    resolutions, low, high = np.array(found), np.array(ends)[..., 0], np.array(ends)[..., 1]
    median = np.median(resolutions, axis=0)
    assert (((low <= median) & (median <= high)).sum(axis=0) >= 24).all()
    scatter = np.subtract(*np.quantile(resolutions, [0.975, 0.025], axis=0))
    ratio = np.median(high - low, axis=0) / scatter
    assert ((ratio > 1 / 1.6) & (ratio < 1.6)).all()


def test_bands_are_quantiles_of_each_shell() -> None:
    draws: dict[str, Tensor] = {"masked": torch.linspace(0, 1, 101, dtype=torch.float64)[:, None].expand(-1, 3)}
    bands = Bootstrap(101, 2, 0.9, 0).bands(draws)
    torch.testing.assert_close(bands["masked_low"], torch.full((3,), 0.05, dtype=torch.float64))
    torch.testing.assert_close(bands["masked_high"], torch.full((3,), 0.95, dtype=torch.float64))


def test_both_halves_have_particles_in_all_groups() -> None:
    bootstrap = Bootstrap(10, 3, 0.95, 0)
    for half_set in (torch.arange(24) % 2, torch.arange(24) // 12):
        bootstrap.check(half_set)
        cell = bootstrap.group_of(torch.arange(24)) * 2 + half_set
        assert torch.bincount(cell).tolist() == [4] * 6


@pytest.mark.parametrize("wrong", [(-1, 8, 0.95), (10, 1, 0.95), (10, 8, 1.0)])
def test_numbers_out_of_range_are_named(wrong: tuple[int, int, float]) -> None:
    with pytest.raises(ValueError, match="bootstrap="):
        Bootstrap(*wrong, 0)
