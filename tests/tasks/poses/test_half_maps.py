"""Half maps as references: each of its own half set, and no finer than the two agree."""

import torch

from cryosense import fourier
from cryosense.metrics import fsc
from cryosense.tasks.poses.half_maps import HalfMaps

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
