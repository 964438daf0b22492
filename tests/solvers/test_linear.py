"""Conjugate gradients against dense solves, and on the systems that a batch can drive apart."""

import torch

from cryosense.solvers.linear import conjugate_gradients


def systems(count: int, n: int, condition: float, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    """-> (count, n, n): positive definite, the eigenvalues evenly spread in the logarithm."""
    q, _ = torch.linalg.qr(torch.randn(count, n, n, dtype=torch.float64, generator=torch.Generator().manual_seed(0)))
    values = torch.logspace(0, -torch.log10(torch.tensor(condition)).item(), n, dtype=torch.float64)
    return ((q * values) @ q.mT).to(dtype)


def apply(matrices: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    return (matrices @ x[..., None])[..., 0]


def test_against_dense_solve_with_and_without_preconditioner() -> None:
    matrices, rhs = systems(4, 30, 1e4), torch.randn(4, 30, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    expected = torch.linalg.solve(matrices, rhs)
    near = torch.linalg.inv(matrices + 1e-3 * torch.eye(30, dtype=torch.float64))
    plain = conjugate_gradients(lambda x: apply(matrices, x), rhs, lambda x: x, tolerance=1e-12, max_iterations=500)
    helped = conjugate_gradients(
        lambda x: apply(matrices, x), rhs, lambda x: apply(near, x), tolerance=1e-12, max_iterations=500
    )
    for x, iterations, residual in (plain, helped):
        torch.testing.assert_close(x, expected)
        true = torch.linalg.vector_norm(apply(matrices, x) - rhs, dim=1) / torch.linalg.vector_norm(rhs, dim=1)
        assert float(true.max()) < 1e-10
        assert float(residual.max()) <= 1e-12
        assert int(iterations.max()) < 500
    assert int(helped[1].max()) < int(plain[1].min())


def test_solved_images_are_frozen_while_a_hard_one_goes_on() -> None:
    """float32: iterated on, a solved system is 0 / 0 and drives its image apart."""
    easy, hard = torch.eye(40)[None] * 2, systems(1, 40, 1e5, torch.float32)
    matrices = torch.cat([easy, hard, torch.zeros(1, 40, 40)])
    rhs = torch.ones(3, 40)
    rhs[2] = 0.0  # nothing measured: singular, and solved by zero
    x, iterations, residual = conjugate_gradients(
        lambda v: apply(matrices, v), rhs, lambda v: v, tolerance=1e-6, max_iterations=300
    )
    assert bool(x.isfinite().all())
    torch.testing.assert_close(x[0], torch.full((40,), 0.5))
    assert torch.equal(x[2], torch.zeros(40))
    assert iterations[0] == 1
    assert iterations[2] == 0
    assert iterations[1] > 40
    assert float(residual[0]) <= 1e-6


def test_iterations_that_do_not_suffice_are_reported_with_their_residual() -> None:
    matrices, rhs = systems(1, 30, 1e6), torch.ones(1, 30, dtype=torch.float64)
    x, iterations, residual = conjugate_gradients(
        lambda v: apply(matrices, v), rhs, lambda v: v, tolerance=1e-12, max_iterations=5
    )
    assert iterations.tolist() == [5]
    true = torch.linalg.vector_norm(apply(matrices, x) - rhs) / torch.linalg.vector_norm(rhs)
    torch.testing.assert_close(residual[0], true)
    assert float(true) > 1e-3


def test_an_image_of_an_indefinite_system_stops_before_the_curvature_that_is_not_positive() -> None:
    """Diagonal systems by hand, and a positive one beside them that does not notice."""
    positive = systems(1, 3, 10.0)[0]
    diagonals = [[1.0, 2.0, -4.0], [-1.0, 0.5, 0.4], [1.0, 1.0, -2.0]]
    matrices = torch.stack([positive, *(torch.diag(torch.tensor(d, dtype=torch.float64)) for d in diagonals)])
    rhs = torch.tensor([[1.0, 2.0, 3.0], [3.0, 3.0, 1.0], [1.0, 1.0, 1.0], [1.0, 1.0, 1.0]], dtype=torch.float64)

    def solved(rows: slice) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        system = matrices[rows]
        return conjugate_gradients(lambda v: apply(system, v), rhs[rows], lambda v: v, tolerance=1e-12, max_iterations=20)

    x, iterations, residual = solved(slice(None))
    # Curvatures along the right-hand sides: 9 + 18 - 4 = 23, then below zero; -0.1; and zero.
    assert iterations.tolist()[1:] == [1, 0, 0]
    torch.testing.assert_close(x[1], rhs[1] * 19 / 23)
    assert torch.equal(x[2:], torch.zeros(2, 3, dtype=torch.float64))
    assert residual[2:].tolist() == [1.0, 1.0]
    assert float(residual[0]) <= 1e-12
    for together, alone in zip((x, iterations, residual), solved(slice(0, 1)), strict=True):
        assert torch.equal(together[:1], alone)
