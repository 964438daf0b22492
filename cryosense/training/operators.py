"""Measurements to train on: mask families, compressions from a range, and new masks for every batch."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from cryosense.errors import ArgumentError
from cryosense.measurement import Design, Measurement
from cryosense.operators import LinearOperator
from cryosense.seeding import generator
from cryosense.shown import ShowsParameters

LEAST_KEPT = 0.5  # of a measurement with too few masks to hold back less


@dataclass(frozen=True)
class DrawnMeasurement:
    """A compression and a seed of masks: the operator, and operators that measure a part of what it measures.

    ``numbers``: of a batch's particles (b,), by which masks are drawn; None for 0, 1, ... ``narrowed``: what becomes of an
    operator where a quantiser spends no bits on some of what it measures.
    """

    make_design: Callable[..., Design]
    compression: float
    seed: int
    numbers: Tensor | None = None
    narrowed: Callable[[LinearOperator], LinearOperator] = lambda operator: operator

    def measure(self, images: Tensor) -> Measurement:
        """Return the measurement of one batch of images, (b, 1, n, n)."""
        operator = self.operator(images.shape[-1], len(images)).to(images.device)
        return Measurement(operator(images), operator)

    def operator(self, box_size: int, count: int) -> LinearOperator:
        """Return the operator of ``count`` images, for one batch."""
        return self._at(self.compression, box_size, count)

    def nested(self, share: float, box_size: int, count: int) -> tuple[LinearOperator, LinearOperator]:
        """Return the operator, and one that measures about a share of what it measures; of few masks, all but one at most.

        Masks of one seed at two compressions are nested: the same numbers are drawn, and more of them are kept.

        Raises:
            ArgumentError: a family whose masks are not nested, or nothing left to hold back.
        """
        whole = self.operator(box_size, count)
        part = self._part(whole, share, count)
        random = generator(0)
        probe = torch.from_numpy(random.standard_normal((part.mask_sets, 1, box_size, box_size), dtype=np.float32))
        seen = part.pinv(part(probe))
        if not torch.allclose(whole.pinv(whole(seen)), seen, atol=1e-3):
            raise ArgumentError("SplitMeasurement needs masks that are nested in compression: random_gaussian masks are not")
        return whole, part

    def _part(self, whole: LinearOperator, share: float, count: int) -> LinearOperator:
        kept = share
        while kept >= min(share, LEAST_KEPT):
            part = self._at(self.compression / kept, whole.box_size, count)
            if bool((part.rank < whole.rank).all()):
                return part
            kept *= share
        raise ArgumentError(
            f"SplitMeasurement: at compression {self.compression:.3g} nothing is left to hold back: "
            "lower compression=... or kept=..."
        )

    def _at(self, compression: float, box_size: int, count: int) -> LinearOperator:
        design = self.make_design(compression=compression, seed=self.seed)
        return self.narrowed(design.operator(box_size, torch.arange(count) if self.numbers is None else self.numbers))


class SampledOperators(ShowsParameters):
    """Random measurements with compressions from a range.

    Args:
        make_design: makes a design from compression and seed, with one mask set for each batch, or for each image if it is
            ``per_particle``.
        compression: lowest and highest nominal compression; its logarithm is drawn uniformly.

    Raises:
        ArgumentError: a range that is empty or begins below 1.
    """

    def __init__(self, make_design: Callable[..., Design], compression: Sequence[float]) -> None:
        if len(compression) != 2 or not 1 <= compression[0] <= compression[1]:
            raise ArgumentError(f"compression={list(compression)}: give the lowest and the highest, 1 or more")
        self.make_design, self.compression = make_design, (compression[0], compression[1])

    @property
    def kind(self) -> str:
        """Name of the operators' class, or names with commas between them."""
        design = self.make_design(compression=self.compression[0], seed=0)
        return type(design.operator(32, torch.arange(1))).__name__

    def draw(self, random: np.random.Generator, particles: Tensor | None = None) -> DrawnMeasurement:
        """Return a measurement drawn with this generator, for whatever particles."""
        del particles
        low, high = (math.log(c) for c in self.compression)
        return DrawnMeasurement(self.make_design, math.exp(random.uniform(low, high)), int(random.integers(2**63)))


class MixedOperators(ShowsParameters):
    """Measurements of several kinds, one of them for each batch.

    Args:
        parts: what is drawn from.
        shares: how often each is, as numbers that need not add up to 1.

    Raises:
        ArgumentError: no parts, or not one positive share for each.
    """

    def __init__(self, parts: Sequence[SampledOperators], shares: Sequence[float]) -> None:
        if not parts or len(parts) != len(shares) or not min(shares) > 0:
            raise ArgumentError(f"{len(parts)} parts with shares={list(shares)}: give a positive share for each")
        self.parts, self.shares = list(parts), [share / sum(shares) for share in shares]

    @property
    def kind(self) -> str:
        """Names of the operators' classes, with commas between them."""
        return ",".join(sorted({part.kind for part in self.parts}))

    def draw(self, random: np.random.Generator, particles: Tensor | None = None) -> DrawnMeasurement:
        """Return a measurement drawn with this generator."""
        return self.parts[int(random.choice(len(self.parts), p=self.shares))].draw(random, particles)
