"""Single iterations, repeated with the bench's constants, are the bench's algorithms."""

import torch

from cryosense.solvers.proximal import admm, fista
from cryosense.solvers.unrolled import admm_iteration, fista_iteration

COUNT = 12


def problem() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """-> a, y, start: |a x - y|^2 / 2 for a diagonal a of widely different entries."""
    random = torch.Generator().manual_seed(0)
    a = torch.logspace(-1, 0, 16, dtype=torch.float64).reshape(1, 1, 4, 4)
    y = torch.randn(3, 1, 4, 4, dtype=torch.float64, generator=random)
    return a, y, torch.randn(3, 1, 4, 4, dtype=torch.float64, generator=random)


def soft(x: torch.Tensor) -> torch.Tensor:
    return x - x.clamp(-0.05, 0.05)


def test_admm() -> None:
    a, y, start = problem()
    rho = 0.3

    def data_step(z: torch.Tensor) -> torch.Tensor:
        return (a * y + rho * z) / (a**2 + rho)

    expected = admm(
        data_step, soft, start, restrict=None, relaxation=1.6, tolerance=-1.0, max_iterations=COUNT, check_every=1
    ).x
    s = z = start
    for _ in range(COUNT):
        s, z = admm_iteration(data_step, soft, 1.6, s)
    torch.testing.assert_close(z, expected)


def test_fista_with_its_restarts() -> None:
    a, y, start = problem()

    def gradient(x: torch.Tensor) -> torch.Tensor:
        return a * (a * x - y)

    many = 60
    expected = fista(gradient, soft, start, gap_per_change=1.0, tolerance=-1.0, max_iterations=many, check_every=1).x
    x = point = start
    momentum = torch.ones(3, 1, 1, 1, dtype=torch.float64)
    restarts = 0
    for _ in range(many):
        before = momentum
        x, point, momentum = fista_iteration(gradient, soft, 1.0, x, point, momentum)
        restarts += int((momentum < before).sum())
    assert restarts > 0
    torch.testing.assert_close(x, expected)
