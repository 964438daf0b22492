"""One loop for all proximal algorithms: it steps until each image of a batch has reached its own gap."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from cryosense.errors import ArgumentError
from cryosense.shown import ShowsParameters

State = tuple[Tensor, ...]  # the first axis of each is the batch


class Solution(NamedTuple):
    """Result of a batched solve: images, iterations and the relative fixed-point gap at which each image stopped."""

    x: Tensor  # (b, 1, n, n)
    iterations: Tensor  # (b,) int64
    gap: Tensor  # (b,) relative fixed-point gap where each image stopped


class Algorithm(ShowsParameters, ABC):
    """An algorithm on a batch of problems: its initial state, its step and its gap."""

    @abstractmethod
    def begin(self, start: Tensor) -> State:
        """Return the initial state for starting images (b, 1, n, n)."""

    @abstractmethod
    def step(self, state: Any) -> State:
        """Return the state after one step."""

    @abstractmethod
    def gap(self, before: Any, after: Any) -> Tensor:
        """Return the relative fixed-point gap of the step between two states, (b,)."""

    def estimate(self, state: Any) -> Tensor:
        """Return a state's estimate, (b, ...), in whatever coordinates the algorithm works in."""
        estimate: Tensor = state[0]
        return estimate

    def images(self, estimates: Tensor) -> Tensor:
        """Return the images (b, 1, n, n) that estimates stand for."""
        return estimates

    def balanced(self, before: Any, after: Any) -> State:
        """Return the state ``after``, its penalties balanced anew by what the step between the two left of each constraint."""
        state: State = after
        return state


# Then penalties stay as they are: with some that change for ever, ADMM need not converge.
BALANCE_EVERY, BALANCE_UNTIL = 10, 200
AlgorithmOf = Callable[[Tensor | None], Algorithm]  # for these images (k,) of the batch only, or for all of them


@dataclass(frozen=True)
class Stopping:
    """When an iteration stops.

    Attributes:
        tolerance: relative fixed-point gap at which an image stops.
        max_iterations: iterations after which it stops in any case, with its gap reported.
        check_every: iterations between checks of the gap.

    Raises:
        ArgumentError: less than one iteration.
    """

    tolerance: float = 1e-4
    max_iterations: int = 2000
    check_every: int = 5

    def __post_init__(self) -> None:
        if self.max_iterations < 1 or self.check_every < 1:
            raise ArgumentError(f"max_iterations={self.max_iterations}, check_every={self.check_every}: give 1 or more")


def converge(algorithm_of: AlgorithmOf, start: Tensor, stopping: Stopping) -> Solution:
    """Iterate from images (b, 1, n, n) and return each image's first estimate whose gap is small enough.

    No image affects another. Images that have stopped are dropped from the computation once they make up a quarter of it.
    """
    images = torch.arange(len(start), device=start.device)  # that are iterated
    running = torch.ones_like(images, dtype=torch.bool)  # those of them that are still above the tolerance
    algorithm = whole = algorithm_of(None)
    state = algorithm.begin(start)
    last = Solution(algorithm.estimate(state), torch.zeros_like(images), start.new_zeros(len(start)))  # of those
    found = Solution(*(torch.empty_like(part) for part in last))
    for iteration in range(1, stopping.max_iterations + 1):
        before, state = state, algorithm.step(state)
        if iteration % BALANCE_EVERY == 1 and 1 < iteration <= BALANCE_UNTIL:  # rarely where the gap is looked at
            state = algorithm.balanced(before, state)
        if iteration % stopping.check_every and iteration < stopping.max_iterations:
            continue
        gap = algorithm.gap(before, state)
        last = _updated(last, running, algorithm.estimate(state), iteration, gap)
        running = running & ~(gap <= stopping.tolerance)
        left = int(running.sum())  # here a GPU is waited for, and where images are dropped
        if left == 0:
            break
        if 4 * left <= 3 * len(images):
            _keep(found, images, last)
            rest = running.nonzero().flatten()
            images, running = images[rest], torch.ones_like(rest, dtype=torch.bool)
            algorithm, state, last = algorithm_of(images), _of(state, rest), Solution(*_of(last, rest))
    _keep(found, images, last)
    return found._replace(x=whole.images(found.x))


def _updated(last: Solution, running: Tensor, estimate: Tensor, iteration: int, gap: Tensor) -> Solution:
    """Return the same with what images (k,) bool are now."""
    x = torch.where(running.reshape(-1, *(1,) * (estimate.ndim - 1)), estimate, last.x)
    return Solution(x, last.iterations.masked_fill(running, iteration), torch.where(running, gap, last.gap))


def _keep(found: Solution, images: Tensor, last: Solution) -> None:
    for into, part in zip(found, last, strict=True):
        into[images] = part


def _of(state: State, images: Tensor) -> State:
    parts = [part[images] for part in state]
    return type(state)(*parts) if hasattr(state, "_fields") else tuple(parts)


def length(x: Tensor) -> Tensor:
    """Return the Euclidean norm of each image, (b,): of the norms of its rows, for the reason that ``image_sum`` gives."""
    norm = torch.linalg.vector_norm
    return norm(norm(x.reshape(len(x), -1, x.shape[-1]), dim=-1), dim=-1)


def relative(change: Tensor, scale: Tensor) -> Tensor:
    """Return the norm of the change over the norm of the scale for each image, (b,); 0 / 0 is 0."""
    return length(change) / length(scale).clamp_min(torch.finfo(scale.dtype).tiny)
