"""The table of scores: a new score takes only one line here and a function of two images.

Columns of the rows, directions, titles, formats, tables, figures and what a weight can be chosen by are derived from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum, Flag, auto
from importlib.metadata import entry_points

from torch import Tensor

from cryosense.errors import ArgumentError
from cryosense.metrics.fsc import frc_area, frc_area_of
from cryosense.metrics.image import correlation, correlation_of, mae, mae_of, mse, mse_of, psnr, psnr_of
from cryosense.metrics.pairs import ImagePairs
from cryosense.metrics.ssim import ssim, ssim_of

ImageScore = Callable[[Tensor, Tensor], Tensor]  # two stacks of images (b, 1, n, n) to (b,)
CLEAN = "_clean"  # suffix of scores against the image without noise


class Against(Enum):
    """What a reconstruction is scored against."""

    MEASURED = "the image that was measured"
    CLEAN = "the image without noise"
    MEASUREMENT = "the numbers that were measured"


class Shown(Flag):
    """Where a score is shown, besides the CSV files, which hold them all."""

    NOWHERE = 0
    TERMINAL = auto()  # what fits a terminal
    PAGE = auto()  # columns of table.md
    VERDICTS = auto()  # table.md says for these whether a method beats the pseudo-inverse
    CURVES = auto()  # against compression
    PICTURES = auto()  # titles of images


@dataclass(frozen=True)
class Score:
    """One number per image.

    Attributes:
        name: its column in the rows; ends in ``_clean`` where it is against the clean image.
        function: maps two stacks of images (b, 1, n, n) in [-1, 1] to (b,); None for LPIPS, whose network is not a constant,
            and for scores that are computed where the measurement is.
        against: what it compares with.
        higher_is_better: its direction.
        compared: whether paired differences have a scale on which a tie can be told; a squared error has none of its own.
        title: heading of its columns; the name if empty.
        unit, decimals: how it is written.
        shown: where it is shown.
        of: makes of pairs of images the same as ``function`` does of the images, and leaves with them what others need too.
    """

    name: str
    function: ImageScore | None
    against: Against
    higher_is_better: bool = True
    compared: bool = True
    title: str = ""
    unit: str = ""
    decimals: int = 3
    shown: Shown = Shown.PAGE
    of: Callable[[ImagePairs], Tensor] | None = None

    def values(self, pairs: ImagePairs) -> Tensor:
        """Return the score of each pair, (b,). Raises ArgumentError for a score that has no function of two images."""
        if self.of is not None:
            return self.of(pairs)
        if self.function is None:
            raise ArgumentError(f"{self.name} is not a function of two images")
        return self.function(pairs.x, pairs.reference)

    def __str__(self) -> str:
        return self.title or self.name


_ALL = Shown.TERMINAL | Shown.PAGE | Shown.CURVES | Shown.PICTURES
_TOLD = Shown.TERMINAL | Shown.PAGE | Shown.CURVES | Shown.VERDICTS
_TITLED = _TOLD | Shown.PICTURES


def _error(name: str, against: Against, function: ImageScore | None, of: Callable[[ImagePairs], Tensor] | None) -> Score:
    return Score(name, function, against, higher_is_better=False, compared=False, shown=Shown.NOWHERE, of=of)


_MSE, _MAE = (mse, mse_of), (mae, mae_of)
_OWN = (
    Score("psnr", psnr, Against.MEASURED, unit="dB", decimals=2, shown=_ALL | Shown.VERDICTS, of=psnr_of),
    Score("ssim", ssim, Against.MEASURED, shown=_ALL, of=ssim_of),
    Score("lpips", None, Against.MEASURED, higher_is_better=False, shown=_ALL),
    _error("mse", Against.MEASURED, *_MSE),
    _error("mae", Against.MEASURED, *_MAE),
    _error("measurement_mse", Against.MEASUREMENT, None, None),
    Score("psnr_clean", psnr, Against.CLEAN, unit="dB", decimals=2, shown=_TOLD, of=psnr_of),
    Score("ssim_clean", ssim, Against.CLEAN, shown=Shown.PAGE | Shown.CURVES, of=ssim_of),
    Score("lpips_clean", None, Against.CLEAN, higher_is_better=False, shown=Shown.NOWHERE),
    _error("mse_clean", Against.CLEAN, *_MSE),
    Score("correlation_clean", correlation, Against.CLEAN, title="corr_clean", shown=_TITLED, of=correlation_of),
    Score("frc_area_clean", frc_area, Against.CLEAN, title="frc_clean", of=frc_area_of),
)


def _of_packages() -> Iterator[Score]:
    """Return scores of installed packages: each names a function of two images under the entry point ``cryosense.scores``.

    The name of the entry point is the score's; it ends in ``_clean`` where the score is against the clean image. The function
    may have an attribute ``higher_is_better``. Its module is loaded while this one is: it must not import cryosense.
    """
    taken = {score.name for score in _OWN}
    for point in entry_points(group="cryosense.scores"):
        if point.name in taken or not point.name.isidentifier():
            raise ArgumentError(f"score {point.name!r} of an installed package ({point.value}): another name is needed")
        taken.add(point.name)
        function = point.load()
        against = Against.CLEAN if point.name.endswith(CLEAN) else Against.MEASURED
        yield Score(point.name, function, against, getattr(function, "higher_is_better", True))


SCORES = (*_OWN, *_of_packages())
