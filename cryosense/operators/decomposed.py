"""Operators whose singular value decomposition is known in parts, so that all results are exact."""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor

from cryosense.operators.base import DataStep, LinearOperator


class Decomposed(LinearOperator):
    """An operator ``A = U D V^T`` of which V^T, V and D^-1 are known, though the whole is never formed.

    A subclass writes ``forward``, ``adjoint``, ``row_coordinates``, ``row_forward``, ``row_adjoint`` and ``row_noise_gain``.
    Pseudo-inverse, data step, norm and rank follow exactly.
    """

    @abstractmethod
    def row_coordinates(self, y: Tensor) -> Tensor: ...

    @abstractmethod
    def row_forward(self, x: Tensor) -> Tensor: ...

    @abstractmethod
    def row_adjoint(self, c: Tensor) -> Tensor: ...

    @property
    @abstractmethod
    def row_noise_gain(self) -> Tensor: ...

    @property
    def no_row_noise(self) -> Tensor:
        gain = self.row_noise_gain
        return gain.new_zeros((1,) * gain.ndim)

    @property
    def singular_values(self) -> Tensor:
        """The singular values D, (1 or b, ...); zero for coordinates that are not measured."""
        gain = self.row_noise_gain
        return torch.where(gain > 0, 1 / gain.clamp_min(torch.finfo(gain.dtype).tiny), 0.0)

    def pinv(self, y: Tensor) -> Tensor:
        return self.row_adjoint(self.row_coordinates(y))

    def proximal_map(self, y: Tensor, rho: float | Tensor) -> DataStep:
        d = self.singular_values.square()
        penalty = rho.reshape(-1, *(1,) * (d.ndim - 1)) if isinstance(rho, Tensor) else rho
        gain, c = d / (d + penalty), self.row_coordinates(y)
        return lambda z: z + self.row_adjoint(gain * (c - self.row_forward(z)))

    @property
    def norm(self) -> Tensor:
        return torch.amax(self.singular_values.flatten(1), dim=1)

    @property
    def rank(self) -> Tensor:
        return (self.row_noise_gain > 0).flatten(1).sum(1)
