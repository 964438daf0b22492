"""What methods may learn before they are scored: from held-back images, the same for all, with one budget."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from cryosense.data import ParticleSource, scaled_like
from cryosense.errors import FittingError
from cryosense.measurement import Measurement
from cryosense.metrics import Scores
from cryosense.metrics.score_table import SCORES, Against
from cryosense.reconstructors import Reconstructor, Sparse
from cryosense.shown import ShowsParameters

Scale = Callable[[Tensor], tuple[Tensor, Tensor, Tensor]]  # (b, 1, n, n) -> scaled, with (b,) offset and gain
Measure = Callable[[Tensor, Tensor], Measurement]  # (b, 1, n, n) scaled images, (b,) particle numbers
Says = Callable[[str, int, int], object]  # what is being done, how much of it is done, and of how much
HIGHER_IS_BETTER = {score.name: score.higher_is_better for score in SCORES if score.against is Against.MEASURED}


@dataclass(frozen=True)
class WeightChoice:
    """The weights that were tried on the held-back images, their mean scores, and the best."""

    score: str
    target: str
    weights: list[float]
    scores: list[float]
    chosen: float
    at_end_of_grid: bool


class Fitting(ShowsParameters):
    """How methods learn.

    Args:
        held_back: number of images from which methods learn, spread evenly over the stack; they are reconstructed like the
            others, but not counted in any table.
        reuse: learn from the scored images where none can be held back, such as in a stack of one: an upper bound.
        target: ``measured`` or ``clean``, the image that methods should come close to.
        score: one of those against the measured image (``psnr``, ``lpips``, ...), here against the target, by which a prior's
            weight is chosen.
        relative_weights: the weights to try, as multiples of the mean diagonal of ``A^T A``; the same for every prior.
        tuning_images: at most this many of the held-back images are used to try the weights.

    Raises:
        FittingError: an unknown target or score, or weights that are not positive.
    """

    def __init__(
        self,
        held_back: int = 32,
        reuse: bool = False,
        target: str = "measured",
        score: str = "psnr",
        relative_weights: Sequence[float] = (0.001, 0.01, 0.1, 0.3, 1.0, 3.0, 10.0),
        tuning_images: int = 16,
    ) -> None:
        if target not in {"measured", "clean"}:
            raise FittingError(f"target={target}: give measured or clean")
        if score not in HIGHER_IS_BETTER:
            raise FittingError(f"score={score}: one of {', '.join(HIGHER_IS_BETTER)}")
        if not relative_weights or min(relative_weights) <= 0:
            raise FittingError("relative_weights needs at least one weight, all of them positive")
        self.held_back, self.reuse, self.target, self.score = held_back, reuse, target, score
        self.relative_weights, self.tuning_images = sorted(relative_weights), tuning_images

    def held_back_particles(self, count: int) -> Tensor:
        """Return positions (h,) of the images to learn from; none if the stack is not larger than that."""
        if self.held_back >= count:
            return torch.zeros(0, dtype=torch.int64)
        return torch.arange(self.held_back) * count // max(1, self.held_back)

    def check(self, reconstructor: Reconstructor, source: ParticleSource, count: int) -> None:
        """Raise FittingError if the method has to learn and cannot, from ``count`` images of the source."""
        if not reconstructor.learns and not _chooses(reconstructor):
            return
        if not source.originals:
            raise FittingError(
                f"{source.images.path}: holds measurements, and this method learns from images: give reference, the "
                "stack that was measured, or a method that does not (PseudoInverse, or a prior's weight)"
            )
        if not len(self.held_back_particles(count)) and not self.reuse:
            raise FittingError(
                f"{source.images.path}: of {count} images none can be held back for a method to learn from "
                f"(held_back={self.held_back}); set a smaller held_back, or reuse=true to learn "
                "from the scored images themselves (an upper bound), or give weight=..."
            )
        if self.target == "clean" and source.clean is None:
            raise FittingError("target=clean, but no clean images are known: give clean_path")

    def fit(
        self,
        reconstructor: Reconstructor,
        source: ParticleSource,
        particles: Tensor,
        scale: Scale,
        measure: Measure,
        scores: Scores,
        known: WeightChoice | None = None,
        says: Says = lambda words, done, total: None,
    ) -> WeightChoice | None:
        """Let the method learn; choose its weight if it has one that is not given.

        ``particles`` are numbers (n,) of the source. ``known`` is what the same arguments gave before: it is used, and nothing
        tried. ``says`` is called before each step.

        Raises:
            FittingError: nothing to learn from, or a clean target where no clean image is known.
        """
        if not reconstructor.learns and not _chooses(reconstructor):
            return None
        self.check(reconstructor, source, len(particles))
        if known is not None and isinstance(reconstructor, Sparse):
            reconstructor.with_weight(known.chosen)
            return known
        images, targets, numbers = self._training_images(source, particles, scale)
        if reconstructor.learns:
            says("learns from held-back images", 0, 1)
        ctf = measure(images, numbers).ctf if reconstructor.knows_ctf else None
        reconstructor.fit(images, targets, *(() if ctf is None else (ctf,)))
        if not isinstance(reconstructor, Sparse) or not _chooses(reconstructor):
            return None
        few = slice(self.tuning_images)
        measurement = measure(images[few], numbers[few])
        weights = [weight * measurement.operator.mean_diagonal for weight in self.relative_weights]
        means = []
        for done, weight in enumerate(weights):
            says(f"tries weight {done + 1} of {len(weights)}", done, len(weights))
            means.append(self._mean_score(reconstructor.with_weight(weight)(measurement).x, targets[few], scores))
        best = max(range(len(means)), key=lambda i: means[i] if HIGHER_IS_BETTER[self.score] else -means[i])
        reconstructor.with_weight(weights[best])
        return WeightChoice(self.score, self.target, weights, means, weights[best], best in {0, len(weights) - 1})

    def _training_images(self, source: ParticleSource, particles: Tensor, scale: Scale) -> tuple[Tensor, Tensor, Tensor]:
        """Return scaled images (t, 1, n, n), scaled targets, and particle numbers (t,)."""
        positions = self.held_back_particles(len(particles))
        if len(positions) == 0:
            positions = torch.arange(min(len(particles), max(1, self.held_back)))
        images, offset, gain = scale(source.images[positions])
        if self.target == "measured" or source.clean is None:
            return images, images, particles[positions]
        return images, scaled_like(source.clean[positions].to(offset.device), offset, gain), particles[positions]

    def _mean_score(self, x: Tensor, targets: Tensor, scores: Scores) -> float:
        mean = float(scores(x, targets)[self.score].mean())
        if mean != mean:
            raise FittingError(f"score={self.score} cannot be computed here: choose another, or provide its weights")
        return mean


def _chooses(reconstructor: Reconstructor) -> bool:
    """Return whether the weight of its prior is still to be chosen."""
    return isinstance(reconstructor, Sparse) and reconstructor.weight is None
