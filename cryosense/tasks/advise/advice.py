"""From a stack with poses to advice: how far it can be compressed, what that takes, what is lost, and what was checked."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from cryosense.errors import ArgumentError
from cryosense.tasks.advise.answers import Answer, answers
from cryosense.tasks.advise.checking import Check
from cryosense.tasks.advise.few_levels import FewLevels
from cryosense.tasks.advise.keeping import Keeping
from cryosense.tasks.advise.looking import Looked, look
from cryosense.tasks.advise.prediction import Poses, Prediction, predict
from cryosense.tasks.advise.sample import Mapping, Progress, Sample
from cryosense.tasks.advise.schemes import RESOLVED, Scheme, ladder
from cryosense.tasks.advise.signal import Signal

SCRATCH = "work"
LOOKED_AT = 64  # images for levels


@dataclass(frozen=True)
class Found:
    """All that is found.

    Attributes:
        looked: at the sample.
        of_all: signal of the whole data set.
        last_shell: that it resolves under the mask, and the margin.
        few_levels, lossless_bytes: of images that were quantised before.
    """

    looked: Looked
    of_all: Signal
    last_shell: int
    predictions: tuple[Prediction, ...]
    answers: tuple[Answer, ...]
    checks: tuple[Check, ...]
    few_levels: FewLevels | None
    lossless_bytes: float | None


@dataclass(frozen=True)
class Advice:
    """What advice is asked for.

    Attributes:
        mapping: how the sample is back-projected.
        poses: whether they are still to be found.
        particles: of the data set that the advice is for.
        checked: how many of the answers are tried.
        confidence: standard deviations by which s is taken to be higher where it says how far the data may resolve.

    Raises:
        ArgumentError: a number out of range.
    """

    mapping: Mapping
    poses: Poses
    particles: int | None
    checked: int
    confidence: float

    def __post_init__(self) -> None:
        if (self.particles is not None and self.particles < 2) or not 0 <= self.checked <= 3 or self.confidence < 0:
            raise ArgumentError(
                f"particles={self.particles}, checked={self.checked}, confidence={self.confidence:g}: give at least 2 "
                "particles, 0 to 3 checks and no negative confidence"
            )

    def last_shells(self, signal: Signal) -> dict[str, int]:
        """Return where schemes end, by the name of their line, for the whole data set: each at another shell."""
        resolved, without = (signal.worth_measuring(self.confidence, masked=masked) for masked in (True, False))
        ends = {RESOLVED: resolved, "resolved without a mask": without, "all shells": signal.box_size // 2}
        return {kind: end for kind, end in ends.items() if kind == RESOLVED or end != ends[RESOLVED]}

    @torch.no_grad()
    def make(self, sample: Sample, available: int, directory: Path, progress: Progress) -> Found:
        """Look at a sample of ``available`` particles, predict and check; scratch files lie in the directory."""
        scratch = directory / SCRATCH
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        looked = look(sample, self.mapping, scratch, progress)
        of_all = looked.signal.of_particles(self.particles or available)
        keeping, ends = Keeping(of_all), self.last_shells(of_all)
        predictions = tuple(predict(scheme, keeping, looked.overhead) for scheme in ladder(keeping, ends))
        found = answers(predictions, of_all, ends[RESOLVED], self.poses)
        levels = FewLevels.of(sample.source.images[: min(LOOKED_AT, len(sample))])
        bits = None if levels is None else levels.bits * of_all.box_size**2
        return Found(
            looked=looked,
            of_all=of_all,
            last_shell=ends[RESOLVED],
            predictions=predictions,
            answers=tuple(found),
            checks=tuple(self._checks(found, looked)),
            few_levels=levels,
            lossless_bytes=None if bits is None else looked.overhead.total(bits, of_all.particles),
        )

    def _checks(self, found: Sequence[Answer], looked: Looked) -> Iterator[Check]:
        keeping = Keeping(looked.signal)
        for scheme in _once([answer.prediction.scheme for answer in found])[: self.checked]:
            names = ", ".join(answer.name for answer in found if answer.prediction.scheme is scheme)
            yield looked.checking.check(names, predict(scheme, keeping, looked.overhead))


def _once(schemes: Sequence[Scheme]) -> list[Scheme]:
    return [scheme for i, scheme in enumerate(schemes) if not any(scheme is other for other in schemes[:i])]
