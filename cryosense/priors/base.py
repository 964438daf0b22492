"""Convex priors Psi on images: a value and a prox."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor, nn

from cryosense.shown import ShowsInModule
from cryosense.solvers.converging import Algorithm
from cryosense.solvers.proximal import ADMM

DataStep = Callable[[Tensor], Tensor]


class Prior(ShowsInModule, nn.Module, ABC):
    """A convex penalty on images (b, 1, n, n) of any size; what it needs of a size it makes when it meets it.

    Attributes:
        name: for the record.
    """

    name: str

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """(b, 1, n, n) -> (b,): Psi(x)."""

    @abstractmethod
    def prox(self, x: Tensor, step: float | Tensor) -> Tensor:
        """(b, 1, n, n) -> (b, 1, n, n): argmin_u step Psi(u) + |u - x|^2 / 2; ``step`` a number, or (1 or b, 1, 1, 1)."""

    def prepare(self, box_size: int) -> None:
        """Raises ArgumentError for images of a size that it cannot be of."""

    def admm(self, data_step: DataStep, step: float | Tensor, relaxation: float) -> Algorithm:
        """-> the algorithm for f(x) + rho step Psi(x), where ``data_step(z)`` = argmin f(x) + rho |x - z|^2 / 2."""
        return ADMM(data_step, lambda x: self.prox(x, step), relaxation)


def each(step: float | Tensor, like: Tensor) -> Tensor:
    """-> (1 or b, 1, 1, 1) steps, where images are and as precise: a number and a tensor of it are then rounded alike."""
    made = torch.as_tensor(step, dtype=like.dtype, device=like.device)
    return made.reshape(-1, 1, 1, 1) if made.ndim < 4 else made
