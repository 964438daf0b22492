"""One operator for each image of a batch."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from cryosense.operators.base import DataStep, LinearOperator


class Each(LinearOperator):
    """Operators with one mask set each, the i-th for the i-th image, as one operator. What is exact in each part stays exact.

    Args:
        operators: all of the same box size.
    """

    def __init__(self, operators: Iterable[LinearOperator]) -> None:
        super().__init__()
        self.operators = nn.ModuleList(operators)
        self.mask_sets, self.box_size = len(self.operators), self.parts[0].box_size

    @property
    def parts(self) -> list[LinearOperator]:
        """The operators, one for each image."""
        return [part for part in self.operators if isinstance(part, LinearOperator)]

    def part(self, images: Tensor) -> Each:
        return Each(self.parts[i] for i in images.tolist())

    def _mapped(self, apply: Callable[[LinearOperator, Tensor], Tensor], x: Tensor) -> Tensor:
        return torch.cat([apply(part, one) for part, one in zip(self.parts, x.split(1), strict=True)])

    def forward(self, x: Tensor) -> Tensor:
        return self._mapped(lambda part, one: part(one), x)

    def adjoint(self, y: Tensor) -> Tensor:
        return self._mapped(lambda part, one: part.adjoint(one), y)

    def row_coordinates(self, y: Tensor) -> Tensor:
        return self._mapped(lambda part, one: part.row_coordinates(one), y)

    def row_forward(self, x: Tensor) -> Tensor:
        return self._mapped(lambda part, one: part.row_forward(one), x)

    def row_adjoint(self, c: Tensor) -> Tensor:
        return self._mapped(lambda part, one: part.row_adjoint(one), c)

    def pinv(self, y: Tensor) -> Tensor:
        return self._mapped(lambda part, one: part.pinv(one), y)

    def zero_filled(self, y: Tensor) -> Tensor:
        return self._mapped(lambda part, one: part.zero_filled(one), y)

    def proximal_map(self, y: Tensor, rho: float | Tensor) -> DataStep:
        rhos = rho.expand(len(y), 1, 1, 1).split(1) if isinstance(rho, Tensor) else [rho] * len(y)
        steps = [part.proximal_map(one, r) for part, one, r in zip(self.parts, y.split(1), rhos, strict=True)]
        return lambda z: torch.cat([step(one) for step, one in zip(steps, z.split(1), strict=True)])

    def _stacked(self, name: str) -> Tensor:
        return torch.cat([getattr(part, name) for part in self.parts])

    @property
    def row_noise_gain(self) -> Tensor:
        return self._stacked("row_noise_gain")

    @property
    def no_row_noise(self) -> Tensor:
        return self.parts[0].no_row_noise

    @property
    def norm(self) -> Tensor:
        return self._stacked("norm")

    @property
    def rank(self) -> Tensor:
        return self._stacked("rank")

    @property
    def measured_shares(self) -> Tensor:
        return self._stacked("measured_shares")

    @property
    def numbers_measured(self) -> Tensor:
        return self._stacked("numbers_measured")

    @property
    def measurement_norms(self) -> Tensor:
        return self._stacked("measurement_norms")

    @property
    def adds_only(self) -> bool:
        return all(part.adds_only for part in self.parts)

    def view(self, y: Tensor) -> Tensor:
        return self._mapped(lambda part, one: part.view(one), y)
