"""Mask families: what they keep, what they claim to keep, and that they refuse to keep nothing."""

import pytest
import torch

from cryosense.fourier import friedel_partner, shell_index, shell_mean
from cryosense.measurement import PixelDesign
from cryosense.operators import FourierSampling, PixelMasking, masks
from cryosense.operators.masks import MaskError
from tests.operators.families import FOURIER, PIXEL, designs


@pytest.mark.parametrize("name", FOURIER)
def test_symmetric_masks_hold_whole_pairs_and_dc_and_say_the_truth(name: str) -> None:
    mask = FOURIER[name](64, 0.4, symmetric=True, seed=0)
    assert torch.equal(mask, friedel_partner(mask))
    assert mask[32, 32] == 1
    a = FourierSampling(mask)
    assert float(a.compression_dof) == pytest.approx(a.compression_nominal)
    assert a.compression_nominal == pytest.approx(2.5, rel=0.06)


@pytest.mark.parametrize(("name", "covered"), [("uniform", 0.64), ("radial", 0.64), ("ring", 0.40)])
def test_unsymmetric_masks_measure_more_than_they_say(name: str, covered: float) -> None:
    shares = []
    for seed in range(12):
        family = masks.radial if name == "radial" else masks.uniform
        extra = {"sectors": 100} if name == "radial" else {}
        mask = family(64, 0.4, symmetric=False, seed=seed, **extra)
        if name == "ring":
            mask = masks.ring(64, 0.4, bands=100, width_fraction=0.25, symmetric=False, seed=seed)
        shares.append(float(1 / FourierSampling(mask).compression_dof))
    assert sum(shares) / len(shares) == pytest.approx(covered, abs=0.02)


def test_rings_prefer_low_frequencies_and_are_whole() -> None:
    kept = torch.stack([masks.ring(64, 0.3, bands=100, width_fraction=0.25, symmetric=True, seed=s) for s in range(40)])
    radius_squared = torch.round(torch.stack(torch.meshgrid(*[torch.arange(-32.0, 32)] * 2, indexing="ij")).square().sum(0))
    for value in (25.0, 100.0, 400.0):
        on_circle = kept[:, radius_squared == value]
        assert bool((on_circle == on_circle[:, :1]).all())
    inner, outer = shell_mean(kept.mean(0))[2:12].mean(), shell_mean(kept.mean(0))[22:32].mean()
    assert inner > 1.5 * outer


def test_variable_density_follows_its_profile_and_its_budget() -> None:
    profile = [4.0] * 8 + [2.0] * 8 + [1.0] * 8
    kept = torch.stack(
        [masks.variable_density(48, 0.2, keep_probability_per_shell=profile, symmetric=True, seed=seed) for seed in range(60)]
    )
    assert float(kept.mean()) == pytest.approx(0.2, rel=0.02)
    shells = shell_mean(kept.mean(0))
    assert float(shells[18:24].mean() / shells[10:16].mean()) == pytest.approx(0.5, rel=0.08)
    assert not kept[:, shell_index(48) > 24].any()
    with pytest.raises(MaskError, match="extend keep_probability_per_shell"):
        masks.variable_density(48, 0.9, keep_probability_per_shell=profile, symmetric=True, seed=0)


@pytest.mark.parametrize("name", PIXEL)
def test_pixel_masks_are_a_function_of_their_seed(name: str) -> None:
    first, again, other = (PIXEL[name](32, 3, seed=seed) for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert name == "superres" or not torch.equal(first, other)


def test_gaussian_masks_have_unit_columns_and_checkerboards_have_cells() -> None:
    torch.testing.assert_close(masks.random_gaussian(32, 5, seed=0).square().sum(0), torch.ones(32, 32))
    board = masks.checkerboard(32, 2, cell_pixels=4, keep_probability=0.5, seed=0)
    cells = board.reshape(2, 8, 4, 8, 4)
    assert torch.equal(cells, cells[:, :, :1, :, :1].expand_as(cells))


def test_superres_says_that_more_masks_measure_nothing_more() -> None:
    a = designs(False)["pixel-superres-K4-C2.0"].operator(32, torch.arange(1))
    assert a.compression_nominal == 2.0
    assert float(a.compression_dof) == 16.0
    assert int(a.measurement_bits(8)) == 8 * 32 * 32 / 2


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: PixelMasking(torch.ones(2, 30, 30), 4), "block_size=4 does not divide the box of 30 px"),
        (lambda: PixelMasking(torch.zeros(2, 32, 32), 4), "keep no pixel"),
        (lambda: FourierSampling(torch.zeros(32, 32)), "keeps no coefficient"),
        (lambda: FourierSampling(torch.ones(31, 31)), "even n"),
        (lambda: FourierSampling(torch.full((32, 32), 0.5)), "zeros and ones"),
        (lambda: designs(False)["fourier-uniform-paper"].operator(33, torch.arange(1)), "33 px is odd"),
        (lambda: masks.uniform(32, 0.0, symmetric=True, seed=0), "probability"),
    ],
)
def test_impossible_masks_are_refused(make, message: str) -> None:
    with pytest.raises(MaskError, match=message):
        make()


@pytest.mark.parametrize("compression", [0.5, 0.0, float("nan"), 17.0])
def test_impossible_compressions_are_refused(compression: float) -> None:
    with pytest.raises(MaskError, match="compression="):
        PixelDesign(PIXEL["random_binary"], 4, compression, False, seed=0)
