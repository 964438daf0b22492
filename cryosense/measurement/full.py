"""Everything is measured: all savings are left to the quantiser."""

from __future__ import annotations

import torch
from torch import Tensor

from cryosense.measurement.design import Design
from cryosense.operators.base import LinearOperator
from cryosense.operators.fourier_sampling import FourierSampling
from cryosense.operators.masks import MaskError
from cryosense.operators.pixel import PixelMasking

DOMAINS = ("fourier", "pixel")


class Full(Design):
    """All Hartley coefficients, or all pixels.

    Args:
        domain: ``fourier`` or ``pixel``.

    Raises:
        MaskError: another domain.
    """

    family = "full"

    def __init__(self, domain: str = "fourier") -> None:
        if domain not in DOMAINS:
            raise MaskError(f"domain={domain}: one of {', '.join(DOMAINS)}")
        self.domain = domain
        self.block_size = 1 if domain == "pixel" else None
        self.symmetric = True if domain == "fourier" else None
        self._known: LinearOperator | None = None

    @property
    def compression_nominal(self) -> float:
        return 1.0

    def operator(self, box_size: int, numbers: Tensor) -> LinearOperator:
        del numbers
        if box_size % 2:
            raise MaskError(f"the box of {box_size} px is odd: crop the images to an even box")
        if self._known is None or self._known.box_size != box_size:
            ones = torch.ones(box_size, box_size)
            self._known = FourierSampling(ones) if self.domain == "fourier" else PixelMasking(ones[None], 1)
        return self._known
