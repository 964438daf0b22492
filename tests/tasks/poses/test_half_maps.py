"""Half maps as references: each of its own half set, and no finer than the two agree."""

import torch

from cryosense import fourier
from cryosense.metrics import fsc
from cryosense.tasks.maps.half_sums import HalfSums
from cryosense.tasks.poses.half_maps import HalfMaps, half_maps
from cryosense.volumes.backproject import slices
from cryosense.volumes.poses import rotation_matrices

N = 32


def test_a_reference_is_its_own_half_map_times_the_fsc_up_to_where_it_falls() -> None:
    generator = torch.Generator().manual_seed(0)
    first, second = (torch.randn(N, N, N, generator=generator) for _ in range(2))
    curve = torch.linspace(1, -0.2, N // 2 + 1)
    curve[5], curve[12:] = 0.3, 0.9  # falls below 0.143 at shell 11, and comes back
    curve[11] = 0.1
    made = HalfMaps((first, second), curve).reference(0)
    assert torch.equal(made, HalfMaps((first, -5 * second), curve).reference(0))
    shells = fourier.half_space_shells(N)
    kept = fourier.half_space(made) / fourier.half_space(first)
    for shell in range(1, 11):
        torch.testing.assert_close(kept[shells == shell].real.mean(), curve[shell], rtol=1e-4, atol=1e-4)
    assert float(fourier.half_space(made)[shells >= 11].abs().max()) < 1e-4 * float(fourier.half_space(first).abs().max())


def test_resolution_is_that_of_the_curve() -> None:
    first = torch.randn(N, N, N, generator=torch.Generator().manual_seed(1))
    assert HalfMaps((first, first), fsc(first, first)).resolution_angstrom(2.0) == 4.0


def test_halves_that_agree_resolve_nothing_beyond_what_was_measured() -> None:
    count, last = 200, 9
    generator = torch.Generator().manual_seed(2)
    images = torch.randn(count, N, N, generator=generator)
    images = images[: count // 2].repeat(2, 1, 1)  # the same in both half sets
    angles = torch.rand(count // 2, 3, generator=generator) * torch.tensor([360.0, 180.0, 360.0])
    rotations = rotation_matrices(angles).float().repeat(2, 1, 1)
    axis = torch.arange(N) - N // 2
    shares = ((axis[:, None] ** 2 + axis**2).sqrt().round() <= last).float()[None]
    half_set = torch.arange(count) // (count // 2)
    sums = HalfSums(N, 2, 0)
    terms = slices(images, torch.zeros(count, 2), None, shares, 1.0)
    sums.insert(terms, rotations, half_set, torch.zeros_like(half_set), torch.zeros(1), torch.eye(3)[None])
    made = half_maps(sums, 1.0)
    assert torch.equal(made.maps[0], made.maps[1])
    assert float(fsc(*made.maps)[last + 3 :].min()) > 0.9  # the sphere's
    assert float(made.curve[: last + 1].min()) > 0.99
    assert not made.curve[last + 2 :].any()
    assert N / (last + 2) <= made.resolution_angstrom(1.0) <= N / last
