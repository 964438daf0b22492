"""What turns change of a shell: closed forms of a density of blobs, and what projections and likelihoods show."""

import math

import pytest
import torch

from cryosense.alignment.coefficients import Disc, Matched, Observed, matched
from cryosense.alignment.grids import spacing_deg
from cryosense.alignment.polish import _expanded, turned
from cryosense.alignment.reference import Reference
from cryosense.alignment.schedule import FIRST_ORDER, shells_of
from cryosense.alignment.turning import Turns, _asked, turns
from cryosense.errors import ArgumentError
from tests.alignment.particles import lopsided, particles

N, LIMIT = 32, shells_of(FIRST_ORDER)


def blobs(*places: tuple[float, float, float]) -> torch.Tensor:
    axis = torch.arange(N) - N // 2
    z, y, x = torch.meshgrid(axis, axis, axis, indexing="ij")
    grid = torch.stack([x, y, z], -1).float()
    made = [torch.exp(-(grid - torch.tensor(place)).square().sum(-1) / 4) for place in places]
    return torch.stack(made).sum(0)


def signal(value: float) -> torch.Tensor:
    """The same in each shell but the first and those beyond the limit."""
    made = torch.full((N // 2 + 1,), value, dtype=torch.float64)
    made[0], made[LIMIT + 1 :] = 0.0, 0.0
    return made


def test_a_blob_beside_the_centre_is_as_unlike_as_it_has_moved() -> None:
    """C_k(Q) = sinc(k |r - Q r|): the mean of exp(i k (r - Q r)) over directions."""
    distance, angle = 5.0, math.radians(spacing_deg(2))
    found = turns(*[blobs((0.0, 0.0, distance))] * 2, "C1")
    shells = 2 * math.pi * torch.arange(3, LIMIT + 1, dtype=torch.float64) / N
    most = shells * 2 * distance * math.sin(angle / 2)  # about an axis across
    expected = 1 - torch.sin(most) / most
    nearest = found.unlike[found.nearest][:, 3 : LIMIT + 1]
    torch.testing.assert_close(nearest.amax(0), expected, rtol=0.05, atol=0.01)
    assert bool((nearest.amin(0) < 0.25 * expected).all())  # about the blob's own axis, 24 degrees from the nearest, nothing
    opposite = shells * 2 * distance
    furthest = found.unlike[found.angle_deg > 160][:, 3 : LIMIT + 1].amax(0)
    assert bool((furthest > 1 - torch.sin(opposite) / opposite - 0.1).all())


def test_a_ball_says_nothing_and_an_ellipsoid_less_of_the_poses_that_are_like_it() -> None:
    ball = turns(*[blobs((0.0, 0.0, 0.0))] * 2, "C1")
    assert float(ball.unlike[:, :6].abs().max()) < 0.02
    cross = [blobs((0.0, 0.0, 5.0), (0.0, 0.0, -5.0), (0.0, 3.0, 0.0), (0.0, -3.0, 0.0))] * 2
    alone, known = (turns(*cross, symmetry) for symmetry in ("C1", "D2"))  # three of its poses are like each
    for found, least, most in ((alone, 0.0, 0.3), (known, 0.35, 1.0)):
        far = found.nats(signal(1.0))[found.angle_deg > 45]
        assert least < float(far.min() / far.median()) < most


def test_noise_of_the_halves_is_not_taken_for_structure() -> None:
    volume = lopsided(N)
    generator = torch.Generator().manual_seed(0)
    noise = 0.1 * float(volume.std()) * torch.randn(2, N, N, N, generator=generator)
    clean, noisy = turns(volume, volume, "C1"), turns(volume + noise[0], volume + noise[1], "C1")
    some = slice(2, 7)
    torch.testing.assert_close(noisy.unlike[:, some].mean(1), clean.unlike[:, some].mean(1), rtol=0.1, atol=0.05)
    with pytest.raises(ArgumentError, match="half maps agree"):
        turns(noise[0], noise[1], "C1")


def test_the_right_pose_is_likelier_than_a_turned_one_by_what_is_said() -> None:
    """Log likelihoods of noisy projections at their poses, and at poses turned by the same Q, in the mean of 500 poses."""
    volume = lopsided(N)
    disc = Disc(N, LIMIT)
    reference = Reference(volume, disc, 2)
    seen = particles(volume, 500, most_pixels=0.0)
    clean = reference(seen.rotations.float(), len(disc.shells))
    generator = torch.Generator().manual_seed(1)
    noise_power = float((clean.abs() ** 2).sum(-1).mean()) / 50
    spectrum = clean + (noise_power / 2) ** 0.5 * torch.complex(*torch.randn(2, *clean.shape, generator=generator))
    data = matched(Observed(spectrum, torch.ones(1, 1), torch.ones(1, 1)), torch.full((1, 1), noise_power))
    said = turns(volume, volume, "C1")
    places = torch.cat([torch.arange(48)[::12], torch.arange(48, len(said.angle_deg), 900)])
    nats = torch.zeros(N // 2 + 1, dtype=torch.float64)
    nats[: LIMIT + 1] = 2 * disc.shell_sum(clean.abs() ** 2).mean(0) / noise_power
    expected = said.nats(nats)[places]
    here = _log_likelihood(clean, data)
    for rotation, value in zip(_asked("C1")[0][places], expected.tolist(), strict=True):
        away = reference((rotation @ seen.rotations).float(), len(disc.shells))
        assert float((here - _log_likelihood(away, data)).mean()) == pytest.approx(value, rel=0.1)


def _log_likelihood(projections: torch.Tensor, data: Matched) -> torch.Tensor:
    return (2 * (data.numerator.conj() * projections).real - data.weight * projections.abs() ** 2).sum(-1)


def test_small_turns_are_those_of_the_fisher_information() -> None:
    volume, std = lopsided(N), 5.0
    seen = particles(volume, 300, most_pixels=0.0)
    disc = Disc(N, LIMIT)
    reference = Reference(volume, disc, 2)
    data = matched(disc.observed(seen.images, seen.ctf, None), torch.full((1, 1), std**2))
    one = _expanded(reference, data, seen.rotations, seen.origins_pixels).information[:, :3, :3]
    of_axes = (seen.rotations @ one @ seen.rotations.mT).mean(0)  # of turns about the axes of the map
    angle = 0.03
    for axis in torch.eye(3, dtype=torch.float64):
        rotation = turned(angle * axis)
        count = len(disc.shells)
        here, away = (reference(r.float(), count) for r in (seen.rotations, rotation @ seen.rotations))
        lost = (data.weight * (here - away).abs() ** 2).sum(-1).mean()
        assert float(lost) == pytest.approx(float(axis @ of_axes @ axis) * angle**2 / 2, rel=0.1)


def test_a_deviation_is_that_of_the_least_information() -> None:
    rates = torch.tensor([[0.0, 2.0, 5.0], [0.0, 4.0, 1.0]], dtype=torch.float64)
    some = Turns(torch.tensor([15.0, 40.0]), torch.zeros(2, 3), rates)
    assert some.deviation_deg(torch.tensor([9.0, 10.0, 4.0])) == pytest.approx(math.degrees(40**-0.5))
    assert some.deviation_deg(torch.zeros(3)) == math.inf
    assert int(some.nearest.sum()) == 1
