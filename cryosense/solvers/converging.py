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
from cryosense.solvers.steps import image_sum

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
    running = images  # their places among these that are still above the tolerance
    algorithm = whole = algorithm_of(None)
    state = algorithm.begin(start)
    found = Solution(algorithm.estimate(state).clone(), torch.zeros_like(images), start.new_zeros(len(start)))
    for iteration in range(1, stopping.max_iterations + 1):
        before, state = state, algorithm.step(state)
        if iteration % BALANCE_EVERY == 1 and 1 < iteration <= BALANCE_UNTIL:  # rarely where the gap is looked at
            state = algorithm.balanced(before, state)
        if iteration % stopping.check_every and iteration < stopping.max_iterations:
            continue
        gap, rows = algorithm.gap(before, state)[running], images[running]
        found.x[rows], found.gap[rows], found.iterations[rows] = algorithm.estimate(state)[running], gap, iteration
        running = running[~(gap <= stopping.tolerance)]  # the one place where a GPU is waited for
        if not len(running):
            break
        if 4 * len(running) <= 3 * len(images):
            images, state = images[running], _of(state, running)
            algorithm, running = algorithm_of(images), torch.arange(len(images), device=start.device)
    return found._replace(x=whole.images(found.x))


def _of(state: State, images: Tensor) -> State:
    parts = [part[images] for part in state]
    return type(state)(*parts) if hasattr(state, "_fields") else tuple(parts)


def length(x: Tensor) -> Tensor:
    """Return the Euclidean norm of each image, (b,)."""
    return image_sum(x.square()).sqrt()


def relative(change: Tensor, scale: Tensor) -> Tensor:
    """Return the norm of the change over the norm of the scale for each image, (b,); 0 / 0 is 0."""
    return length(change) / length(scale).clamp_min(torch.finfo(scale.dtype).tiny)
