"""The l1 norm of an image's coefficients in an orthonormal basis."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from cryosense.priors.base import Prior, each
from cryosense.priors.bases import Basis
from cryosense.solvers.steps import image_sum


class L1(Prior):
    """The penalty ``Psi(x) = |W x|_1``, over all coefficients or all but the coarsest scale of the basis.

    Args:
        basis: W.
        penalise_coarse: also penalise the coarsest scale (the paper's solver does).
    """

    def __init__(self, basis: Basis, penalise_coarse: bool = False) -> None:
        super().__init__()
        self.basis, self.penalise_coarse, self.name = basis, penalise_coarse, basis.name
        self._penalised: dict[tuple[int, torch.dtype, torch.device], Tensor] = {}

    def penalised(self, like: Tensor) -> Tensor:
        """Return 1 for coefficients that are penalised and 0 for the others, (n, n), for images like these."""
        kind = like.shape[-1], like.dtype, like.device
        if kind not in self._penalised:  # once, since to copy it to a device is to wait for it
            self._penalised[kind] = (~self.basis.coarse(kind[0]) | self.penalise_coarse).to(like)
        return self._penalised[kind]

    def penalty(self, weight: float) -> float:
        """Return ``max(0.7, 1.4 sqrt(weight))``; see ``Prior.penalty``.

        Where a large weight leaves few coefficients, the best of a grid of rho grows with the weight, not with its root.
        Found at weights of 0.1 to 1, DCT and Haar, pixel and Fourier masks, on two sets of simulated particles.
        """
        return max(super().penalty(weight), 1.4 * math.sqrt(weight))

    def forward(self, x: Tensor) -> Tensor:
        return image_sum(self.basis.analysis(x).abs() * self.penalised(x))

    def shrink(self, c: Tensor, step: float | Tensor) -> Tensor:
        """Return coefficients (b, 1, n, n) drawn towards zero by up to ``step`` (soft thresholding).

        The step can be one number for each coefficient, and gradients flow to it.
        """
        threshold = each(step, c) * self.penalised(c)
        return c - torch.maximum(torch.minimum(c, threshold), -threshold)

    def prox(self, x: Tensor, step: float | Tensor) -> Tensor:
        return self.basis.synthesis(self.shrink(self.basis.analysis(x), step))

    def prepare(self, box_size: int) -> None:
        self.basis.coarse(box_size)

    def extra_repr(self) -> str:
        return f"penalise_coarse={self.penalise_coarse}"
