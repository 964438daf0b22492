"""ADMM for a threshold of coefficients in an orthonormal basis, with the coefficients themselves as its variables."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from cryosense.solvers.converging import Algorithm, length
from cryosense.solvers.steps import Map


class Layout(NamedTuple):
    """Coefficients (b, ...) of images (b, 1, n, n) in an orthonormal basis, in whatever order they are made fastest."""

    analysis: Map
    synthesis: Map
    coarse: Tensor  # int64: places of the coarsest scale among an image's coefficients


class ThresholdState(NamedTuple):
    """State of ADMM as Douglas-Rachford splitting, coefficients (b, ...) each."""

    s: Tensor  # what the next step begins with
    move: Tensor  # x - s, where x is what the data step made of the last s
    apart: Tensor  # z - x, where z is the estimate


class ThresholdADMM(Algorithm):
    """Over-relaxed ADMM, the same iteration as ``ADMM`` with a soft threshold, in fewer passes over memory.

    Args:
        layout: the coefficients that are iterated.
        move: maps coefficients s (b, ...) to x - s, x those of the data step's result.
        threshold: (1 or b, 1, 1, 1).
        spared: places of coefficients that are not drawn towards zero.
        relaxation: in (0, 2).
    """

    def __init__(self, layout: Layout, move: Map, threshold: Tensor, spared: Tensor, relaxation: float) -> None:
        self.layout, self.move, self.relaxation = layout, move, relaxation
        self.threshold, self.spared = threshold.flatten(), spared.to(threshold.device)
        self.common = float(self.threshold) if len(self.threshold) == 1 else None  # a number is several times faster

    def begin(self, start: Tensor) -> ThresholdState:
        s = self.layout.analysis(start)
        return ThresholdState(s, torch.zeros_like(s), torch.zeros_like(s))

    def step(self, state: ThresholdState) -> ThresholdState:
        move = self.move(state.s)
        kept = self._clipped(torch.add(state.s, move, alpha=2))  # z is what is beyond it
        apart = torch.sub(move, kept, out=kept)
        return ThresholdState(torch.add(state.s, apart, alpha=self.relaxation), move, apart)

    def estimate(self, state: ThresholdState) -> Tensor:
        return state.s + state.move + (1 - self.relaxation) * state.apart

    def images(self, estimates: Tensor) -> Tensor:
        return self.layout.synthesis(estimates)

    def gap(self, before: ThresholdState, after: ThresholdState) -> Tensor:
        z = self.estimate(after)
        change = torch.maximum(length(after.apart), length(z - self.estimate(before)))
        return change / length(z).clamp_min(torch.finfo(z.dtype).tiny)

    def _clipped(self, c: Tensor) -> Tensor:
        """Return coefficients drawn, in place, into the interval that the threshold allows, spared ones to zero."""
        if self.common is not None:
            c.clamp_(-self.common, self.common)
        else:
            most = self.threshold.reshape(-1, *(1,) * (c.ndim - 1))
            torch.maximum(torch.minimum(c, most, out=c), -most, out=c)
        c.view(len(c), -1).index_fill_(1, self.spared, 0.0)
        return c
