"""FSC in cones: the closed form in every direction, and less signal found in the direction that has less."""

import math

import pytest
import torch
from torch import Tensor

from cryosense.fourier import fftn, ifftn
from cryosense.metrics import conical_fsc, fsc, half_sphere

N = 40


def white(seed: int) -> Tensor:
    return torch.randn(N, N, N, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_directions_are_even_over_half_a_sphere() -> None:
    directions = half_sphere(500)
    torch.testing.assert_close(directions.norm(dim=1), torch.ones(500, dtype=torch.float64))
    assert float(directions[:, 2].min()) > 0
    # Second moments of a uniform distribution: 1/3 along every axis.
    torch.testing.assert_close(directions.T @ directions / 500, torch.eye(3, dtype=torch.float64) / 3, atol=5e-3, rtol=0)
    closest = (directions @ directions.T - 2 * torch.eye(500)).max(1).values
    assert float(closest.max()) < torch.cos(torch.tensor(0.7 * (2 * torch.pi / 500) ** 0.5))


def test_a_cone_of_all_directions_is_the_shell() -> None:
    one, two = white(0), white(0) + white(1)
    curves = conical_fsc(one, two, half_sphere(3), 90.0)
    torch.testing.assert_close(curves[:, 1:], fsc(one, two)[1:].expand(3, -1))


def test_signal_that_depends_on_direction_is_found_there() -> None:
    """Signal-to-noise s_z within 40 degrees of the z axis and s elsewhere: s / (s + 1) in cones within either."""
    axis = torch.arange(N, dtype=torch.float64) - N // 2
    z, y, x = torch.meshgrid(axis, axis, axis, indexing="ij")
    along_z = z.abs() > torch.cos(torch.tensor(40 * torch.pi / 180)) * torch.sqrt(x**2 + y**2 + z**2)
    signal = ifftn(fftn(white(2), 3) * torch.where(along_z, 0.5, 3.0) ** 0.5, 3).real
    directions = torch.tensor([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.6, 0.8, 0.0]])
    curves = conical_fsc(signal + white(3), signal + white(4), directions, 20.0)
    for curve, s in zip(curves, (0.5, 3.0, 3.0, 3.0), strict=True):
        assert float(curve[10:20].mean()) == pytest.approx(s / (s + 1), abs=0.05)


def test_impossible_cones_are_named() -> None:
    with pytest.raises(ValueError, match="half_angle_deg=0"):
        conical_fsc(white(0), white(1), half_sphere(1), 0.0)
    with pytest.raises(ValueError, match="directions=0"):
        half_sphere(0)


@pytest.mark.parametrize("n", [12, 13])
def test_each_cone_is_the_correlation_of_what_lies_in_it(n: int) -> None:
    one, two = white(5)[:n, :n, :n], white(6)[:n, :n, :n] + white(5)[:n, :n, :n]
    directions, half_angle_deg = half_sphere(4), 35.0
    curves = conical_fsc(one, two, directions, half_angle_deg)
    axis = torch.arange(n, dtype=torch.float64) - n // 2
    points = torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij")[::-1], dim=-1)
    radius = points.norm(dim=-1)
    a, b = fftn(one, 3), fftn(two, 3)
    for shell in range(3, (n + 1) // 2):  # those that hold each point's Friedel partner too
        for curve, direction in zip(curves, directions, strict=True):
            inside = (radius.round() == shell) & (
                (points @ direction).abs() >= radius * math.cos(math.radians(half_angle_deg))
            )
            powers = [values[inside].abs().square().sum() for values in (a, b)]
            expected = (a * b.conj())[inside].real.sum() / torch.sqrt(powers[0] * powers[1])
            assert float(curve[shell]) == pytest.approx(float(expected), abs=1e-10)
