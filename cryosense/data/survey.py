"""One look at every image of a stack: which are unusable, mean and deviation of all others; made once for all runs."""

from __future__ import annotations

import hashlib
import itertools
import math
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
import torch
from torch import Tensor

from cryosense.errors import BusyError, ParticleDataError, UntrustedFileError
from cryosense.files.limits import read_json
from cryosense.files.untrusted import read_npz
from cryosense.files.writing import write_json_atomic, written_whole
from cryosense.runs.code import code_version
from cryosense.runs.inputs import Stamps
from cryosense.runs.lock import WAITING_SECONDS, locked, locked_in_turn
from cryosense.runs.record import remove

from .stack import ParticleStack

WHY = ("", "not finite", "constant")
BLOCK, MOST_BLOCKS = 256, 64  # images that one process looks at before it checks what others have done
NAMED = 5


class Look(NamedTuple):
    """What was seen of b images, (b,) each: index in WHY, mean, mean squared deviation; float64 sums over each image alone."""

    why: np.ndarray
    means: np.ndarray
    spreads: np.ndarray


def look(images: Tensor) -> Look:
    """Return what is found in each image (b, 1, n, n); nothing depends on the others in the batch."""
    pixels = images.flatten(1).numpy().astype(np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        means = pixels.mean(1)
        pixels -= means[:, None]
        spreads = np.square(pixels, out=pixels).mean(1)
    return Look(why_not(images), means, spreads)


def why_not(images: Tensor) -> np.ndarray:
    """Return the index in WHY, (b,), of each image (b, 1, n, n)."""
    flat = images.flatten(1).numpy()
    lowest, highest = flat.min(1), flat.max(1)  # NaN beats any number in both; faster than torch's aminmax
    finite = np.isfinite(lowest) & np.isfinite(highest)
    return np.where(finite, 2 * (lowest == highest), 1).astype(np.uint8)


def mean_and_deviation(means: np.ndarray, spreads: np.ndarray) -> tuple[float, float]:
    """Return mean and deviation over all pixels, from those (n,) of images of one size. Sums are exactly rounded."""
    mean = math.fsum(means.tolist()) / len(means)
    between = math.fsum((each - mean) ** 2 for each in means.tolist())
    return mean, math.sqrt((math.fsum(spreads.tolist()) + between) / len(means))


@dataclass(frozen=True)
class Survey:
    """What was found in ``count`` images: why some are unusable, by position; mean and deviation over all other pixels."""

    count: int
    bad: dict[int, str]
    mean: float
    deviation: float

    @classmethod
    def of(cls, looks: Sequence[Look]) -> Self:
        """Combine what was found in all images, in order: portions make no difference."""
        why, means, spreads = (np.concatenate(each) for each in zip(*looks, strict=True))
        good = why == 0
        mean, deviation = mean_and_deviation(means[good], spreads[good]) if good.any() else (0.0, 0.0)
        return cls(len(why), {int(i): WHY[why[i]] for i in np.flatnonzero(~good)}, mean, deviation)

    def named(self, numbers: Tensor) -> str:
        """Return how many images cannot be used, out of ``numbers`` (count,), which and why; many are not all named."""
        listed = [f"{int(numbers[i])} ({why})" for i, why in list(self.bad.items())[:NAMED]]
        more = ["..."] if len(self.bad) > NAMED else []
        return f"{len(self.bad)} unusable particle(s), numbered from 0: {', '.join([*listed, *more])}"

    def usable(self, path: Path, skip_bad: bool, numbers: Tensor) -> Tensor:
        """Return the particle numbers of the images that can be used, out of ``numbers`` (count,).

        Raises:
            ParticleDataError: naming the first of the others, unless ``skip_bad`` leaves them out; or none left.
        """
        if self.bad and not skip_bad:
            raise ParticleDataError(f"{path}: {self.named(numbers)}; set skip_bad=true to leave them out")
        good = torch.ones(self.count, dtype=torch.bool)
        good[list(self.bad)] = False
        if not good.any():
            raise ParticleDataError(f"{path}: all {self.count} particles are constant or not finite: none can be used")
        return numbers[good]


def survey_of(stack: ParticleStack, chunk_size: int) -> Survey:
    """Return what reading a stack once finds."""
    return Survey.of([look(images) for _, images in stack.chunks(chunk_size)])


@dataclass(frozen=True)
class SurveyRecord:
    """Surveys in one folder, made once by all processes that need them: each looks at images that no other has seen.

    Attributes:
        folder: where they are kept.
        key: identifies the images and the code that looks at them; see ``for_data``.
    """

    folder: Path
    key: str

    @classmethod
    def for_data(cls, folder: Path, fingerprint: str, files: Stamps, numbers: Tensor) -> Self:
        """Return the record of particles ``numbers`` of a stack with this fingerprint, in files with these sizes and times."""
        stamps = sorted((str(path), stamp) for path, stamp in files.items())
        known = f"{fingerprint} {stamps} {code_version(['data', 'fourier'])}"
        return cls(folder, hashlib.sha256(known.encode() + numbers.numpy().tobytes()).hexdigest()[:16])

    def survey(self, stack: ParticleStack, chunk_size: int) -> Survey:
        """Return the survey of a stack, read if it exists; otherwise look at what no process has looked at yet."""
        found = self._read()
        while found is None:
            missing = [block for block in self._blocks(len(stack)) if not self._path(block).is_file()]
            for block in missing:
                with suppress(BusyError), locked(self._path(block).with_suffix(".lock")):
                    if self._read() is None and not self._path(block).is_file():
                        self._look(stack, block, chunk_size)
            found = self._read() or self._put_together(len(stack))
            if found is None:
                time.sleep(WAITING_SECONDS)
        self._tidy()
        return found

    def _tidy(self) -> None:
        """Remove what a process that was killed once the survey was there has left; what another holds is left to it."""
        lock = self.folder / f"{self.key}.lock"
        if lock.exists() or (self.folder / self.key).exists():
            with suppress(BusyError), locked(lock):
                remove(self.folder, [self.key])

    def _look(self, stack: ParticleStack, block: range, chunk_size: int) -> None:
        looks = [look(images) for _, images in stack.chunks(chunk_size, block.start, block.stop)]
        why, means, spreads = (np.concatenate(each) for each in zip(*looks, strict=True))
        with written_whole(self._path(block)) as unfinished, unfinished.open("wb") as file:
            np.savez(file, why=why, means=means, spreads=spreads)

    def _put_together(self, count: int) -> Survey | None:
        """Return the survey if all of its blocks are there."""
        with locked_in_turn(self.folder / f"{self.key}.lock"):
            found = self._read()
            if found is None:
                looks = [self._seen(block) for block in self._blocks(count)]
                if None in looks:
                    return None
                found = Survey.of([each for each in looks if each is not None])
                write_json_atomic(self._record, asdict(found) | {"bad": {str(i): why for i, why in found.bad.items()}})
            remove(self.folder, [self.key])
        return found

    def _seen(self, block: range) -> Look | None:
        """Return what was found in a block, None if nothing was; a file that cannot be read is removed."""
        try:
            return Look(**read_npz(self._path(block), Look._fields))
        except (UntrustedFileError, TypeError):
            self._path(block).unlink(missing_ok=True)
            return None

    def _read(self) -> Survey | None:
        if not self._record.is_file():
            return None
        try:
            known = read_json(self._record)
            bad = {int(i): str(why) for i, why in known["bad"].items()}
            return Survey(int(known["count"]), bad, float(known["mean"]), float(known["deviation"]))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ParticleDataError(f"{self._record} does not say what the images look like ({error}): remove it") from error

    @property
    def _record(self) -> Path:
        return self.folder / f"{self.key}.json"

    def _path(self, block: range) -> Path:
        return self.folder / self.key / f"{block.start:09d}.npz"

    def _blocks(self, count: int) -> list[range]:
        """Return runs of positions, as many as there are sets of BLOCK images, but no more than MOST_BLOCKS."""
        blocks = max(1, min(MOST_BLOCKS, count // BLOCK))
        ends = [count * i // blocks for i in range(blocks + 1)]
        return [range(start, stop) for start, stop in itertools.pairwise(ends)]
