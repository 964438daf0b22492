"""Convex priors Psi on images: a value and a proximal map."""

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
    """A convex penalty on images (b, 1, n, n) of any size; whatever depends on the size is made when first needed.

    Attributes:
        name: name of the prior in records.
    """

    name: str

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """Return ``Psi(x)``, (b,), of images (b, 1, n, n)."""

    @abstractmethod
    def prox(self, x: Tensor, step: float | Tensor) -> Tensor:
        """Return ``argmin_u step Psi(u) + |u - x|^2 / 2``, (b, 1, n, n); ``step`` is a number or (1 or b, 1, 1, 1)."""

    def prepare(self, box_size: int) -> None:
        """Raise ArgumentError if the prior cannot be used on images of this size."""

    def start(self, x: Tensor) -> Tensor:
        """Return images (b, 1, n, n) to iterate from, given those of the pseudo-inverse."""
        return x

    def penalty(self, weight: float) -> float:
        """Return ADMM's rho over sqrt(weight d), d the mean diagonal of ``A^T A``, for images of unit range.

        0.7 is within a factor of two of the best fixed rho over operators and weights.
        """
        return 0.7

    def admm(self, data_step: DataStep, step: float | Tensor, relaxation: float) -> Algorithm:
        """Return the algorithm for ``f(x) + rho step Psi(x)``, given ``data_step(z) = argmin_x f(x) + rho |x - z|^2 / 2``."""
        return ADMM(data_step, lambda x: self.prox(x, step), relaxation)


def each(step: float | Tensor, like: Tensor) -> Tensor:
    """Return steps as (1 or b, 1, 1, 1) like the images, so that a number and a tensor of it are rounded alike."""
    made = torch.as_tensor(step, dtype=like.dtype, device=like.device)
    return made.reshape(-1, 1, 1, 1) if made.ndim < 4 else made
