"""The likelihood is that of its definition: squared distances of what was measured to the reference as it would be seen."""

import torch

from cryosense import fourier
from cryosense.alignment.coefficients import Disc, matched
from cryosense.alignment.likelihood import moved, terms
from cryosense.alignment.reference import Reference
from cryosense.measurement import FourierDesign
from cryosense.operators.masks import uniform
from cryosense.volumes.project import Projector
from tests.alignment.particles import lopsided, particles

N, LIMIT = 24, 9


def test_projections_are_those_of_the_projector() -> None:
    volume = lopsided(N)
    rotations = particles(volume, 5).rotations.float()
    disc = Disc(N, LIMIT)
    planes = Projector(volume[None], 3)(rotations, torch.zeros(5, dtype=torch.int64))
    expected = disc.of_half_plane(fourier.centred_half_plane(fourier.from_half_plane(planes, N)))
    found = Reference(volume, disc, 3)(rotations, len(disc.shells))
    torch.testing.assert_close(found, expected, atol=1e-4 * float(expected.abs().max()), rtol=1e-4)


def test_coefficients_are_one_of_each_pair_inside_the_circle() -> None:
    disc = Disc(N, LIMIT)
    whole = fourier.frequency_radius(N)
    assert 2 * len(disc.shells) == int(((whole > 0) & (whole <= LIMIT)).sum())
    places = {tuple(p) for p in disc.positions.int().tolist()}
    assert not places & {(-x, -y) for x, y in places}
    assert disc.count(5) == int((disc.positions.norm(dim=-1) <= 5).sum())


def test_log_likelihood_is_that_of_the_measured_hartley_coefficients() -> None:
    volume, noise = lopsided(N), 0.7
    seen = particles(volume, 3, noise_std=noise)
    operator = FourierDesign(uniform, True, 2.0, True, 5).operator(N, torch.arange(3))
    disc, reference = Disc(N, LIMIT), Reference(volume, Disc(N, LIMIT), 2)
    measured = operator.pinv(operator(seen.images[:, None]))[:, 0]
    data = matched(disc.observed(measured, seen.ctf, operator.measured_shares), torch.full((1, 1), noise**2))
    rotations, shifts = particles(volume, 4, seed=8).rotations.float(), torch.tensor([[0.0, 0.0], [1.5, -0.7]])
    count = len(disc.shells)
    projections = reference(rotations, count)
    made = terms(moved(data.numerator, disc.phases(shifts, count)), data.weight, projections.expand(3, -1, -1))
    found = made.log_likelihood(False)
    # The same over all measured Hartley coefficients inside the circle, from images of each pose.
    inside = (fourier.frequency_radius(N) <= LIMIT) & (fourier.frequency_radius(N) > 0) & (operator.weight[:, 0] > 0)
    for pose in range(4):
        for number, shift in enumerate(shifts):
            model = torch.zeros(3, N * (N // 2 + 1), dtype=torch.complex64)
            model[:, disc.numbers] = disc.of_half_plane(seen.ctf) * (projections[pose] * disc.phases(shift, count))
            image = torch.fft.fftshift(fourier.from_half_plane(_with_friedel(model.reshape(3, N, -1)), N), dim=(-2, -1))
            misfit = [(inside * fourier.hartley(seen.images - m)).square().sum((1, 2)) for m in (image, 0 * image)]
            expected = (misfit[1] - misfit[0]) / (2 * noise**2)
            torch.testing.assert_close(found[:, number, pose], expected, rtol=1e-3, atol=2e-2)


def _with_friedel(plane: torch.Tensor) -> torch.Tensor:
    """The column x = 0 of a half plane holds both of each pair; the disc keeps one."""
    column = plane[..., 0].clone()
    partner = torch.roll(column.flip(-1), 1, -1).conj()
    plane[..., 0] = torch.where(column == 0, partner, column)
    return plane
