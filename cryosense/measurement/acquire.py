"""The only place that measures."""

from __future__ import annotations

import torch
from torch import Tensor

from cryosense.measurement.design import Design
from cryosense.measurement.measurement import Measurement
from cryosense.measurement.noise import Noise, NoNoise
from cryosense.measurement.quantiser import Identity, Quantiser

NONE, AS_THEY_ARE = NoNoise(), Identity()
FIRST_PORTION = 200  # particles that quantisers learn from


def acquire(
    images: Tensor, numbers: Tensor, design: Design, noise: Noise = NONE, quantiser: Quantiser = AS_THEY_ARE
) -> Measurement:
    """Return the measurement of images (b, 1, n, n): operator, noise and quantiser, in this order.

    Every draw is keyed by the particle numbers (b,), so what is measured of one image does not depend on the others.

    Raises:
        MaskError: a box that the design cannot measure.
        NoiseError: noise that its operator cannot have.
    """
    operator = quantiser.operator(design.operator(images.shape[-1], numbers)).to(images.device)
    kept = quantiser(noise.measure(operator, images, numbers), operator, numbers)
    return Measurement(kept.y, operator, torch.hypot(noise.row_std(operator), kept.noise_std), numbers, kept.bits)


def calibrate(quantiser: Quantiser, images: Tensor, numbers: Tensor, design: Design, noise: Noise = NONE) -> None:
    """Let a quantiser learn from a first portion of the particles, images (b, 1, n, n), as ``acquire`` measures them."""
    if quantiser.learns:
        operator = quantiser.operator(design.operator(images.shape[-1], numbers)).to(images.device)
        quantiser.fit(noise.measure(operator, images, numbers), operator, numbers)
