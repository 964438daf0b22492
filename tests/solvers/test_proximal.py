"""Proximal algorithms on small problems that are known: optimality, agreement, stopping of each image on its own."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from cryosense.solvers import converging
from cryosense.solvers.converging import Algorithm, Solution, Stopping, converge
from cryosense.solvers.proximal import ADMM, FISTA, SplitADMM
from cryosense.solvers.steps import Coupled, Splitting

N, WEIGHT, RHO = 8, 0.15, 0.4


def lasso(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """-> A (40, 64) and measurements (count, 40), in float64, of very different sizes."""
    generator = torch.Generator().manual_seed(0)
    matrix = torch.randn(40, N * N, dtype=torch.float64, generator=generator) / 6
    y = torch.randn(count, 40, dtype=torch.float64, generator=generator) * torch.logspace(-1, 1, count)[:, None]
    return matrix, y


def soft(x: torch.Tensor, step: Any) -> torch.Tensor:
    return x.sign() * (x.abs() - step).clamp_min(0)


class Problem:
    """min |A x - y|^2 / 2 + WEIGHT |x|_1 over images (b, 1, 8, 8), as each algorithm wants it."""

    def __init__(self, matrix: torch.Tensor, y: torch.Tensor) -> None:
        self.matrix, self.y = matrix, y
        self.inverse = torch.linalg.inv(matrix.T @ matrix + RHO * torch.eye(N * N, dtype=matrix.dtype))
        self.start = torch.zeros(len(y), 1, N, N, dtype=y.dtype)

    def data_step(self, z: torch.Tensor) -> torch.Tensor:
        rows = self.y @ self.matrix + RHO * z.flatten(1)
        return torch.stack([self.inverse @ row for row in rows]).reshape(z.shape)

    def gradient(self, x: torch.Tensor) -> torch.Tensor:
        return ((x.flatten(1) @ self.matrix.T - self.y) @ self.matrix).reshape(x.shape)

    def of(self, images: torch.Tensor | None) -> "Problem":
        return self if images is None else Problem(self.matrix, self.y[images])

    def solved(self, make: Callable[["Problem"], Algorithm], **options: Any) -> Solution:
        chosen = Stopping(**{"tolerance": 1e-9, "max_iterations": 20000, "check_every": 5, **options})
        return converge(lambda images: make(self.of(images)), self.start, chosen)

    def admm(self, **options: Any) -> Solution:
        return self.solved(lambda p: ADMM(p.data_step, lambda v: soft(v, WEIGHT / RHO), 1.8), **options)

    def split(self, coupling: float = 2.0, **options: Any) -> Solution:
        def coupled(each: torch.Tensor, like: torch.Tensor) -> Coupled:
            most = WEIGHT / (RHO * each)
            return Coupled(lambda c: most / torch.maximum(c.abs(), most), lambda x: x / (1 + each))

        split = Splitting(torch.clone, torch.clone, coupled, coupling)
        return self.solved(lambda p: SplitADMM(p.data_step, split, 1.6), **options)

    def fista(self, **options: Any) -> Solution:
        step = 1 / float(torch.linalg.matrix_norm(self.matrix, 2)) ** 2
        curvature = N * N / (step * float(self.matrix.square().sum()))  # L over the mean diagonal of A^T A
        return self.solved(
            lambda p: FISTA(lambda x: step * p.gradient(x), lambda x: soft(x, step * WEIGHT), curvature), **options
        )

    def objective(self, x: torch.Tensor) -> torch.Tensor:
        residual = x.flatten(1) @ self.matrix.T - self.y
        return residual.square().sum(1) / 2 + WEIGHT * x.abs().flatten(1).sum(1)

    def duality_gap(self, x: torch.Tensor) -> torch.Tensor:
        """(b, 1, n, n) -> (b,): to the dual point that the residual, scaled into the dual's set, gives."""
        residual = self.y - x.flatten(1) @ self.matrix.T
        scale = (WEIGHT / (residual @ self.matrix).abs().amax(1, keepdim=True)).clamp_max(1)
        dual = self.y.square().sum(1) / 2 - (self.y - scale * residual).square().sum(1) / 2
        return self.objective(x) - dual


@pytest.mark.parametrize("solve", ["admm", "split", "fista"])
def test_solutions_have_no_duality_gap(solve: str) -> None:
    problem = Problem(*lasso(4))
    solution = getattr(problem, solve)()
    assert float((problem.duality_gap(solution.x) / problem.objective(solution.x)).max()) < 2e-6
    assert float(solution.gap.max()) <= 1e-9


@pytest.mark.parametrize("solve", ["admm", "split", "fista"])
def test_a_relative_gap_of_1e_4_is_near_the_minimum(solve: str) -> None:
    problem = Problem(*lasso(4))
    best = problem.objective(problem.admm().x)
    reached = problem.objective(getattr(problem, solve)(tolerance=1e-4).x)
    assert float(((reached - best) / best).max()) < 1e-3


@pytest.mark.parametrize("coupling", [0.03, 100.0])
def test_a_bad_coupling_is_balanced(coupling: float, monkeypatch: pytest.MonkeyPatch) -> None:
    problem, options = Problem(*lasso(4)), {"tolerance": 1e-5, "max_iterations": 1500}
    balanced = problem.split(coupling, **options)
    monkeypatch.setattr(converging, "BALANCE_UNTIL", 0)
    assert 2 * int(balanced.iterations.sum()) < int(problem.split(coupling, **options).iterations.sum())


@pytest.mark.parametrize("coupling", [0.3, 2.0, 10.0])
def test_coupling_changes_the_path_but_not_the_end(coupling: float) -> None:
    problem = Problem(*lasso(3))
    torch.testing.assert_close(problem.split(coupling).x, problem.admm().x, atol=2e-5, rtol=0)


@pytest.mark.parametrize("solve", ["admm", "split", "fista"])
def test_an_image_stops_on_its_own(solve: str) -> None:
    """Bit for bit the same with others and alone, also when those that have stopped are left out of the work."""
    matrix, y = lasso(6)
    together = getattr(Problem(matrix, y), solve)(tolerance=1e-6)
    assert len(set(together.iterations.tolist())) > 2
    for i in range(6):
        alone = getattr(Problem(matrix, y[i : i + 1]), solve)(tolerance=1e-6)
        assert int(alone.iterations) == int(together.iterations[i])
        torch.testing.assert_close(alone.x[0], together.x[i], atol=1e-12, rtol=0)


def test_the_reported_gap_is_that_of_the_reported_image() -> None:
    """|x - z| and |z - before| over |z|, recomputed from a run that is one iteration longer or shorter."""
    matrix, y = lasso(1)
    options = {"tolerance": 0.0, "check_every": 1}
    last, before = Problem(matrix, y).admm(max_iterations=30, **options), Problem(matrix, y).admm(max_iterations=29, **options)
    assert int(last.iterations) == 30
    dual = torch.linalg.vector_norm(last.x - before.x) / torch.linalg.vector_norm(last.x)
    assert float(last.gap) >= float(dual) * (1 - 1e-9)
    assert float(last.gap) < 1


@pytest.mark.parametrize("solve", ["admm", "split", "fista"])
def test_iterations_that_do_not_suffice_are_reported(solve: str) -> None:
    solution = getattr(Problem(*lasso(2)), solve)(max_iterations=7)
    assert solution.iterations.tolist() == [7, 7]
    assert float(solution.gap.min()) > 1e-9


def test_nothing_measured_stays_nothing() -> None:
    matrix, _ = lasso(1)
    problem = Problem(matrix, torch.zeros(1, 40, dtype=torch.float64))
    for solution in (problem.admm(), problem.split(), problem.fista()):
        assert not bool(solution.x.any())
        assert float(solution.gap) == 0
