"""The laws of a measurement, over every mask family: adjoint, pseudo-inverse, exact data step, rank, independence."""

import copy

import pytest
import torch

from cryosense import fourier
from cryosense.measurement import Design
from cryosense.operators.checks import check_operator
from tests.devices import ON_EACH_DEVICE, WHERE_LAWS_HOLD, there
from tests.operators.families import dense, designs, operator

SHARED, OWN = designs(per_particle=False), designs(per_particle=True)
EVERY = pytest.mark.parametrize("design", SHARED.values(), ids=SHARED.keys())
EACH = pytest.mark.parametrize("design", OWN.values(), ids=OWN.keys())


def images(count: int, n: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, 1, n, n, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("own", [False, True], ids=["shared", "own"])
@pytest.mark.parametrize("name", SHARED)
@WHERE_LAWS_HOLD
def test_every_family_obeys_the_laws(name: str, own: bool, device: str) -> None:
    check_operator(operator((OWN if own else SHARED)[name], 32, 3).to(device))


@pytest.mark.parametrize("own", [False, True], ids=["shared", "own"])
@pytest.mark.parametrize("name", SHARED)
@ON_EACH_DEVICE
def test_every_family_is_the_same_on_other_devices(name: str, own: bool, device: str) -> None:
    here = (OWN if own else SHARED)[name].operator(32, torch.arange(3))
    x = images(3, 32).float()
    y = here(x)
    expected = here.adjoint(y), here.pinv(y), here.data_step(x, y, 0.3), here.norm, here.measured_shares, here.row_forward(x)
    with there(device) as somewhere:
        operator = copy.deepcopy(here).to(somewhere)
        operator.__dict__["_found"] = {}  # found out there
        moved, seen = x.to(somewhere), y.to(somewhere)
        found = operator.adjoint(operator(moved)), operator.pinv(seen), operator.data_step(moved, seen, 0.3)
        found += operator.norm, operator.measured_shares, operator.row_forward(moved)
        for one, other in zip(expected, found, strict=True):
            assert other.device.type == somewhere.type
            torch.testing.assert_close(other.cpu(), one, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", ["pixel-random_binary-K4-C2.0", "pixel-checkerboard-K16-C10.0", "fourier-radial-paper"])
@pytest.mark.parametrize("box_size", [48, 128])
def test_other_boxes_do(name: str, box_size: int) -> None:
    check_operator(operator(SHARED[name], box_size, 1))


@EVERY
def test_rank_norm_and_data_step_against_the_dense_matrix(design: Design) -> None:
    n = 16
    a = operator(design, n, 1)
    matrix = dense(a, 0, 1)
    assert int(a.rank) == int(torch.linalg.matrix_rank(matrix))
    assert float(a.compression_dof) == n * n / int(a.rank)
    torch.testing.assert_close(a.norm[0], torch.linalg.matrix_norm(matrix, 2))
    assert a.mean_diagonal == pytest.approx(float((matrix**2).sum() / n**2))
    z, y = images(1, n), a(images(1, n, seed=5))
    solved = torch.linalg.solve(
        matrix.T @ matrix + 0.3 * torch.eye(n * n, dtype=torch.float64), matrix.T @ y.flatten() + 0.3 * z.flatten()
    )
    torch.testing.assert_close(a.data_step(z, y, 0.3).flatten(), solved)


@EVERY
def test_what_is_measured_of_each_fourier_coefficient(design: Design) -> None:
    """|A^+ A e_k|^2 by the dense matrix; it adds up to the rank."""
    n = 16
    a = operator(design, n, 1)
    matrix = dense(a, 0, 1)
    projection = torch.linalg.pinv(matrix) @ matrix
    waves = fourier.ifftn(torch.eye(n * n, dtype=torch.complex128).reshape(n * n, n, n)).flatten(1)
    expected = (waves @ projection.to(waves.dtype)).abs().square().sum(1)
    torch.testing.assert_close(a.measured_shares.flatten(), expected)
    assert float(a.measured_shares.sum()) == pytest.approx(int(a.rank))


@EACH
def test_shares_of_several_particles(design: Design) -> None:
    own = design.operator(32, torch.arange(3))
    alone = design.operator(32, torch.tensor([2])).measured_shares
    assert own.measured_shares.shape == (3, 32, 32)
    assert torch.equal(own.measured_shares[2:], alone)


@EACH
def test_a_particle_does_not_see_its_neighbours(design: Design) -> None:
    n, order = 32, torch.tensor([4, 0, 2])
    x = images(6, n).float()
    whole, part = design.operator(n, torch.arange(6)), design.operator(n, order)
    torch.testing.assert_close(part(x[order]), whole(x)[order])
    torch.testing.assert_close(part.pinv(part(x[order])), whole.pinv(whole(x))[order])


def test_all_2x2_bernoulli_blocks_are_inverted_although_most_are_singular() -> None:
    a = operator(SHARED["pixel-random_binary-K2-C1.0"], 64, 1)
    singular = (a.row_noise_gain == 0).any(1).double().mean()
    assert 0.6 < float(singular) < 0.72  # two thirds of 4 x 4 Bernoulli matrices
    x = images(1, 64)
    torch.testing.assert_close(a(a.pinv(a(x))), a(x))
