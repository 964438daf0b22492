"""What unrolled solvers share: a number of iterations, parameters for each, and how the operator conditions them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from cryosense.errors import ArgumentError
from cryosense.operators import LinearOperator


class UnrolledSolver(nn.Module, ABC):
    """A fixed number of iterations with learned constants; the operator is an argument, and gradients flow through everything.

    Every learned constant is ``value * exp(p + s * log C)``: a given value, a parameter p for each iteration, and a slope s by
    which it follows the operator's compression C = n^2 / rank; p and s are 0 before training. One image's result depends on
    its own measurement and masks, and on nothing else in the batch.

    Attributes:
        name: name of the solver in records.
        arguments: arguments of the constructor, plain numbers or a basis of such, from which a saved solver is made again.
        checkpointing: recompute iterations in the backward pass instead of keeping what they made.
        scale_free: whether the result for ``a y`` is a times that for y, so that the images' scaling is of no concern.
    """

    name: str
    arguments: dict[str, Any]
    checkpointing = False
    scale_free = False

    def __init__(self, iterations: int) -> None:
        super().__init__()
        if iterations < 1:
            raise ArgumentError(f"iterations={iterations}: give 1 or more")
        self.iterations = iterations

    @abstractmethod
    def forward(self, y: Tensor, operator: LinearOperator) -> Tensor:
        """Return images (b, 1, n, n) for measurements (b, ...)."""

    @torch.no_grad()
    def reconstruct(self, y: Tensor, operator: LinearOperator) -> Tensor:
        """Do as ``forward`` does, without gradients, in the fastest portions; they do not change an image's result."""
        return self(y, operator)

    def prepare(self, box_size: int) -> None:
        """Make what depends only on the box. Raises ArgumentError for a box on which the solver cannot work."""

    def extra_repr(self) -> str:
        return ", ".join(f"{name}={value}" for name, value in self.arguments.items())

    def iterate(self, step: Callable[..., Any], *state: Any) -> Any:
        """Return what one iteration makes of its state, either kept for the backward pass or recomputed there."""
        if self.checkpointing and torch.is_grad_enabled():
            return checkpoint(step, *state, use_reentrant=False)
        return step(*state)


class Conditioned(nn.Module):
    """The factors ``exp(p + s log C)``: parameters p (iterations, channels) and slopes s (channels,)."""

    def __init__(self, iterations: int, channels: int) -> None:
        super().__init__()
        self.offset = nn.Parameter(torch.zeros(iterations, channels))
        self.slope = nn.Parameter(torch.zeros(channels))

    def extra_repr(self) -> str:
        """Return the parameters that it was made with."""
        return f"iterations={len(self.offset)}, channels={len(self.slope)}"

    def forward(self, iteration: int, log_compression: Tensor) -> Tensor:
        """Return the factors of one iteration, (p, channels), given log C (p,)."""
        return torch.exp(self.offset[iteration] + self.slope * log_compression[:, None])


def log_compression(operator: LinearOperator, like: Tensor) -> Tensor:
    """Return ``log(n^2 / rank A)`` for each mask set, (1 or b,)."""
    return operator.compression_dof.log().to(like)


def mean_diagonals(operator: LinearOperator, like: Tensor) -> Tensor:
    """Return the mean diagonal of ``A^T A`` for each mask set, (1 or b, 1, 1, 1), so that no image affects another."""
    sums = operator.measurement_norms.double().square().flatten(1).sum(1)
    return (sums / operator.box_size**2).reshape(-1, 1, 1, 1).to(like)
