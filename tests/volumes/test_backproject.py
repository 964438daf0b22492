"""Back-projection against objects whose projections are known, through every convention that can be wrong."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from cryosense import fourier
from cryosense.metrics import equivalent_particles, fsc, resolution_angstrom
from cryosense.operators.masks import uniform
from cryosense.simulation.builtin import HingedChain
from cryosense.simulation.files import MapDensity
from cryosense.volumes import poses
from cryosense.volumes.backproject import SliceAccumulator, slices
from cryosense.volumes.ctf import CtfParameters, ctf_half_plane
from cryosense.volumes.project import Projector
from cryosense.volumes.symmetry import point_group

PIXEL, COUNT, SIGMA, REGULARISATION = 4.0, 1200, 1.1, 1e-3
# An object without symmetry: Gaussian blobs at x, y, z from the centre, with unequal weights.
CENTRES = torch.tensor([[6.0, 2.0, -3.0], [-4.0, 5.0, 2.0], [2.0, -6.0, 5.0], [0.0, 2.0, 7.0], [-3.0, -2.0, -7.0]])
WEIGHTS = torch.tensor([1.0, 0.7, 1.3, 0.5, 0.9])


def blobs(centres: Tensor, n: int) -> Tensor:
    """(..., m, 2) or (m, 3) x, y(, z) -> (..., n, n) or (n, n, n) with x along the last axis."""
    axis = torch.arange(n, dtype=torch.float32) - n // 2
    gauss = torch.exp(-((axis - centres[..., None]) ** 2) / (2 * SIGMA**2))
    if centres.shape[-1] == 2:
        return torch.einsum("m,...my,...mx->...yx", WEIGHTS, gauss[..., 1, :], gauss[..., 0, :])
    return torch.einsum("m,mz,my,mx->zyx", WEIGHTS, gauss[:, 2], gauss[:, 1], gauss[:, 0])


def angles(count: int = COUNT) -> Tensor:
    quaternions = torch.randn(count, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return poses.euler_angles(poses.quaternion_rotations(quaternions)).float()


def origins(count: int = COUNT) -> Tensor:
    return 5.0 * torch.randn(count, 2, generator=torch.Generator().manual_seed(1))


def defoci(n: int, count: int = COUNT) -> Tensor:
    """-> (count, n, n // 2 + 1): CTFs of particles at 0.6 to 1.6 micrometres."""
    drawn = torch.rand(count, 2, generator=torch.Generator().manual_seed(2))
    u = 6000 + 10000 * drawn[:, 0]
    return ctf_half_plane(CtfParameters(u, u - 400, 180 * drawn[:, 1], 300.0, 2.7, 0.1, 0.0, 0.0), n, PIXEL)


def backproject(images: Tensor, at: Tensor, matrices: Tensor, ctf: Tensor | None, chunk: int = 64) -> SliceAccumulator:
    accumulator = SliceAccumulator(images.shape[-1], 2)
    for i in range(0, len(images), chunk):
        part = slice(i, i + chunk)
        terms = slices(images[part], at[part], None if ctf is None else ctf[part], None, PIXEL)
        accumulator.insert(terms, matrices[part])
    return accumulator


def worst(map_: Tensor, truth: Tensor) -> float:
    """-> the lowest FSC from shell 1 to 0.8 of Nyquist."""
    return float(fsc(map_, truth)[1 : int(0.8 * truth.shape[-1] / 2) + 1].min())


@pytest.mark.parametrize(("n", "with_ctf"), [(32, False), (33, True)])
def test_exact_projections_at_relions_poses_and_origins(n: int, with_ctf: bool) -> None:
    """Blobs land in the image where RELION's matrix and origin carry them; any other convention is far off."""
    matrices, shifts = poses.rotation_matrices(angles()), origins()
    placed = (CENTRES @ matrices)[..., :2] - shifts[:, None] / PIXEL
    images = blobs(placed, n) * SIGMA * (2 * torch.pi) ** 0.5
    ctf = defoci(n) if with_ctf else None
    if ctf is not None:
        images = fourier.from_half_plane(fourier.half_plane(images) * ctf, n)
    truth = blobs(CENTRES, n)
    made = backproject(images, shifts, matrices, ctf).volume(REGULARISATION)
    assert worst(made, truth) > 0.99
    assert 0.9 < float((made * truth).sum() / truth.square().sum()) < 1.05
    assert float(made.sum() / truth.sum()) == pytest.approx(1, abs=0.05)
    mirror = torch.diag(torch.tensor([1.0, 1.0, -1.0]))
    wrong = {
        "transposed": (matrices.mT, shifts),
        "mirrored": (mirror @ matrices @ mirror, shifts),
        "shifted the other way": (matrices, -shifts),
        "x and y of the origin exchanged": (matrices, shifts.flip(-1)),
    }
    for name, (turned, moved) in wrong.items():
        other = backproject(images[:300], moved[:300], turned[:300], None if ctf is None else ctf[:300])
        assert worst(other.volume(REGULARISATION), truth) < 0.6, name


@pytest.mark.parametrize("odd", [False, True])
def test_groel_comes_back(reference_data: Path, odd: bool) -> None:
    """Noise-free projections of the deposited map, with CTF and shifts: FSC to it above 0.99 up to 0.8 of Nyquist."""
    density = MapDensity(str(reference_data / "real" / "emd_1997_groel.map"), 0.0, None).volumes(48, 4.5)
    matrices = poses.rotation_matrices(angles(2000))
    images = fourier.from_half_plane(Projector(density, 3)(matrices, torch.zeros(2000, dtype=torch.long)), 48)
    first = 1 if odd else 0  # the first plane is empty; without it the centre stays at n // 2
    truth, images = density[0, first:, first:, first:], images[:, first:, first:]
    n = 48 - first
    shifts, ctf = origins(2000), defoci(n, 2000)
    plain = backproject(images, torch.zeros_like(shifts), matrices, None)
    assert worst(plain.volume(REGULARISATION), truth) > 0.99
    modulated = fourier.half_plane(images) * ctf * poses.origin_phases(shifts, n, PIXEL)
    made = backproject(fourier.from_half_plane(modulated, n), shifts, matrices, ctf)
    assert worst(made.volume(REGULARISATION), truth) > 0.99


def test_sums_do_not_depend_on_chunks_and_add_up_over_shards() -> None:
    n, count = 16, 90
    images = torch.randn(count, n, n, generator=torch.Generator().manual_seed(3))
    at, matrices, ctf = origins(count), poses.rotation_matrices(angles(count)), defoci(n, count)
    whole = backproject(images, at, matrices, ctf, chunk=90)
    shards = [backproject(images[part], at[part], matrices[part], ctf[part], chunk=7) for part in (slice(40), slice(40, 90))]
    shards[0].add(shards[1])
    for mine, others in zip(shards[0].parts, whole.parts, strict=True):
        torch.testing.assert_close(mine.sums, others.sums, atol=1e-5, rtol=1e-6)
    torch.testing.assert_close(shards[0].volume(REGULARISATION), whole.volume(REGULARISATION), atol=1e-4, rtol=0)
    with pytest.raises(ValueError, match="cannot be added"):
        whole.add(SliceAccumulator(n, 1))


def test_symmetry_fills_in_the_views_that_are_missing() -> None:
    """A C3 object seen only from one third of the directions."""
    n, group = 32, point_group("C3").float()
    centres = torch.cat([CENTRES[:2] @ g.T for g in group])
    weights = WEIGHTS[:2].repeat(3)
    axis = torch.arange(n, dtype=torch.float32) - n // 2
    gauss = torch.exp(-((axis - centres[..., None]) ** 2) / (2 * SIGMA**2))
    truth = torch.einsum("m,mz,my,mx->zyx", weights, gauss[:, 2], gauss[:, 1], gauss[:, 0])
    drawn = angles()
    drawn[:, 0] = drawn[:, 0] % 60 - 30
    matrices = poses.rotation_matrices(drawn[drawn[:, 1] > 60])
    placed = torch.exp(-((axis - (centres @ matrices)[..., :2, None]) ** 2) / (2 * SIGMA**2))
    images = torch.einsum("m,bmy,bmx->byx", weights, placed[:, :, 1], placed[:, :, 0])
    at = torch.zeros(len(images), 2)
    without = backproject(images, at, matrices, None)
    symmetrised = SliceAccumulator(n, 2)
    for g in group:
        symmetrised.insert(slices(images, at, None, None, PIXEL), g @ matrices)
    assert worst(symmetrised.volume(REGULARISATION), truth) > 0.99
    assert worst(without.volume(REGULARISATION), truth) < 0.9


def test_coefficients_that_were_not_measured_are_not_looked_at() -> None:
    n, count = 16, 20
    generator = torch.Generator().manual_seed(4)
    images = torch.randn(2, count, n, n, generator=generator)
    masks = (torch.rand(count, n, n, generator=generator) < 0.3).float()
    known = torch.maximum(masks, fourier.friedel_partner(masks))
    # The same where the mask measures, whatever else anywhere else.
    mixed = fourier.ifftn(fourier.fftn(images[0]) * known + fourier.fftn(images[1]) * (1 - known)).real
    ctf, at = defoci(n, count), origins(count)
    for one, other in zip(slices(images[0], at, ctf, known, PIXEL), slices(mixed, at, ctf, known, PIXEL), strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=0)
    weight = slices(images[0], at, None, known, PIXEL).weight
    assert float(weight.mean()) == pytest.approx(float(fourier.centred_to_half_plane(known).mean()))


def test_a_mask_per_particle_costs_what_keeping_fewer_particles_costs() -> None:
    """At C = 2.5, symmetric uniform masks: n particles are worth n / 2.5, by resolution and by FSC."""
    n, count, compression = 40, 3000, 2.5
    generator = torch.Generator().manual_seed(5)
    matrices = poses.rotation_matrices(angles(count))
    density = HingedChain(1, 12.0, [0.0]).volumes(n, 6.0)
    clean = fourier.from_half_plane(Projector(density, 2)(matrices, torch.zeros(count, dtype=torch.long)), n)
    images = clean + clean.std() / 0.05**0.5 * torch.randn(clean.shape, generator=generator)
    masks = torch.stack([uniform(n, 1 / compression, symmetric=True, seed=(0, i)) for i in range(count)])

    def half_map_fsc(particles: Tensor, measured_by: Tensor | None) -> Tensor:
        halves = []
        for half in (particles[::2], particles[1::2]):
            sums = SliceAccumulator(n, 2)
            for part in half.split(64):
                planes = None if measured_by is None else measured_by[part]
                sums.insert(slices(images[part], torch.zeros(len(part), 2), None, planes, 6.0), matrices[part])
            halves.append(sums.volume(REGULARISATION))
        return fsc(halves[0], halves[1])

    masked = half_map_fsc(torch.arange(count), masks)
    fewer = half_map_fsc(torch.arange(round(count / compression)), None)
    shells = [n * 6.0 / resolution_angstrom(curve, 6.0, n, 0.143) for curve in (masked, fewer)]
    assert 8 < shells[0] < 20  # there is a resolution to lose
    assert abs(shells[0] - shells[1]) < 1
    assert equivalent_particles(masked, fewer, round(count / compression)) == pytest.approx(count / compression, rel=0.2)


def test_an_impossible_pad_factor_is_named() -> None:
    with pytest.raises(ValueError, match="pad_factor is 0"):
        SliceAccumulator(16, 0)
