"""Soft masks: their profile in closed form, and a molecule found in noise."""

import math
from pathlib import Path

import mrcfile
import pytest
import torch
from scipy.ndimage import distance_transform_edt

from cryosense.fourier import frequency_radius
from cryosense.metrics import automatic_mask, sphere_mask
from cryosense.metrics.soft_masks import distances

LENGTHS = {"lowpass_angstrom": 12.0, "extend_pixels": 2.0, "edge_pixels": 4.0}


def test_a_sphere_has_a_raised_cosine_edge() -> None:
    box = torch.zeros(32, 32, 32)
    profile = sphere_mask(box, 2.0, radius_angstrom=16.0, edge_pixels=4.0)[16, 16, 16:]
    expected = [1.0] * 9 + [(1 + math.cos(math.pi * i / 4)) / 2 for i in (1, 2, 3)] + [0.0] * 4
    torch.testing.assert_close(profile, torch.tensor(expected, dtype=torch.float64))
    assert sphere_mask(box, 2.0, radius_angstrom=16.0, edge_pixels=0.0).unique().tolist() == [0.0, 1.0]
    with pytest.raises(ValueError, match="does not fit"):
        sphere_mask(box, 2.0, radius_angstrom=28.0, edge_pixels=4.0)


def test_a_ball_is_found_in_noise_and_extended() -> None:
    radius = frequency_radius(48, 3)
    noise = 0.5 * torch.randn(48, 48, 48, generator=torch.Generator().manual_seed(0))
    mask = automatic_mask((radius < 10).double() + noise, 3.0, **LENGTHS)
    assert float(mask[radius < 11].min()) == 1
    assert float(mask[radius > 17.5].max()) < 0.02


@pytest.mark.parametrize("reach", [0, 1, 5, 40])
def test_distances_are_exact_up_to_their_reach(reach: int) -> None:
    inside = torch.rand(17, 23, 20, generator=torch.Generator().manual_seed(1)) < 0.004
    exact = torch.from_numpy(distance_transform_edt(~inside.numpy()))
    found = distances(inside, reach)
    near = exact <= reach
    torch.testing.assert_close(found[near], exact[near], rtol=0, atol=1e-14)
    assert not near.all() or reach == 40
    assert bool((found[~near] > reach).all())


def test_groel_lies_inside_its_mask(reference_data: Path) -> None:
    with mrcfile.open(reference_data / "real" / "emd_1997_groel.map") as mrc:
        volume = torch.from_numpy(mrc.data.copy()).double()
        pixel = float(mrc.voxel_size.x)
    mask = automatic_mask(volume, pixel, **LENGTHS)
    dense = volume > volume.flatten().sort().values[-volume.numel() // 100]
    assert float(mask[dense].min()) == 1
    assert 0.05 < float(mask.mean()) < 0.35


def test_a_flat_map_has_no_mask() -> None:
    with pytest.raises(ValueError, match="flat"):
        automatic_mask(torch.ones(8, 8, 8), 1.0, **LENGTHS)
