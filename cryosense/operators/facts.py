"""Facts about an operator that are computed once and then kept."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, Self

import torch
from torch import Tensor, nn


class Remembering(nn.Module):
    """A module that is not changed after it is made, so that what was computed from it stays true."""

    mask_sets: int = 1  # mask sets it holds: one for all images, or one for each of a batch (first axis of its buffers)

    def double_precision(self) -> Self:
        """Return a copy in float64 that keeps every fact known so far; its factors are no more precise than they were."""
        found = self._facts
        del self.__dict__["_found"]
        made = copy.deepcopy(self).double()
        self.__dict__["_found"] = made.__dict__["_found"] = found
        return made

    def part(self, images: Tensor) -> Self:
        """Return what belongs to the images with these indices (k,): itself, unless there is a mask set for each image."""
        if self.mask_sets == 1:
            return self
        made = copy.copy(self)
        made.__dict__["_buffers"] = {name: None if part is None else part[images] for name, part in self._buffers.items()}
        made.__dict__["_found"] = {}
        made.mask_sets = len(images)
        return made

    @property
    def _facts(self) -> dict[str, Any]:
        return self.__dict__.setdefault("_found", {})

    def _known(self, name: str, find: Callable[[Self], Any]) -> Any:
        """Return what ``find`` computes from the float64 copy, on the module's device and, if floating point, in its dtype."""
        if name not in self._facts:
            self._facts[name] = find(self.double_precision())
        found = self._facts[name]
        return found.to(self._like) if isinstance(found, Tensor) and found.is_floating_point() else found

    @property
    def _like(self) -> Tensor:
        """A tensor with the device and dtype of the module."""
        return next((part for part in self.buffers() if part.is_floating_point()), torch.zeros(()))
