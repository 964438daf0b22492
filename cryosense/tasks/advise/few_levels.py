"""Images that were quantised before: how many levels they have, and in how many bits these can be stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from torch import Tensor

from cryosense.measurement.quantisers.codebook import entropy_bits

MOST = 256  # levels, in one image, that are taken for quantised; images of floats have as many as pixels


@dataclass(frozen=True)
class FewLevels:
    """Of images each of which has few different values, as counts, bytes or a coarser quantiser leave them.

    Attributes:
        levels: different values in an image, the median.
        bits: entropy of a pixel, the mean.
    """

    levels: int
    bits: float

    @classmethod
    def of(cls, images: Tensor) -> Self | None:
        """From (b, 1, n, n): theirs, None where an image has too many values, or nearly as many as pixels."""
        counts = [np.unique(image, return_counts=True)[1] for image in images.flatten(1).numpy()]
        most = min(MOST, images[0].numel() // 4)
        if not counts or max(len(each) for each in counts) > most:
            return None
        return cls(int(np.median([len(each) for each in counts])), float(np.mean([entropy_bits(c / c.sum()) for c in counts])))
