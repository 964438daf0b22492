"""The l1 norm of an image's coefficients in an orthonormal basis."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from cryosense.priors.base import Prior
from cryosense.priors.bases import Basis


class L1(Prior):
    """Psi(x) = |W x|_1 over all coefficients, or all but the basis' coarsest scale.

    Args:
        box_size: n.
        basis: box size -> W.
        penalise_coarse: also penalise the coarsest scale (the paper's solver does).
    """

    penalised: Tensor

    def __init__(self, box_size: int, basis: Callable[[int], Basis], penalise_coarse: bool) -> None:
        super().__init__()
        self.basis = basis(box_size)
        self.register_buffer("penalised", (~self.basis.coarse | penalise_coarse).float())

    def analysis(self, x: Tensor) -> Tensor:
        return self.basis.analysis(x)

    def analysis_adjoint(self, c: Tensor) -> Tensor:
        return self.basis.synthesis(c)

    def value(self, c: Tensor) -> Tensor:
        return (c.abs() * self.penalised).flatten(1).sum(1)

    def shrink(self, c: Tensor, step: float | Tensor) -> Tensor:
        """As :meth:`Prior.shrink`; ``step`` may be (1 or b, 1, n, n), one for each coefficient, and gradients flow to it."""
        threshold = step * self.penalised
        return c - torch.maximum(torch.minimum(c, threshold), -threshold)

    def prox(self, x: Tensor, step: float | Tensor) -> Tensor:
        return self.basis.synthesis(self.shrink(self.basis.analysis(x), step))
