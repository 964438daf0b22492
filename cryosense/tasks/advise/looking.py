"""A look at a sample before anything is measured: its maps as they are, and what they say of its signal."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from cryosense.data import ParticleDataError
from cryosense.errors import ArgumentError
from cryosense.tasks.advise.checking import Checking, resolution
from cryosense.tasks.advise.prediction import Overhead
from cryosense.tasks.advise.sample import Mapping, Progress, Sample
from cryosense.tasks.advise.signal import ImagePower, Signal

POWER_OF = 512  # images for their spectrum


@dataclass(frozen=True)
class Looked:
    """What is known of a sample before anything is predicted.

    Attributes:
        signal: of its particles.
        resolutions: at 0.143, without and with the mask.
        overhead: bytes beside levels.
        checking: by which schemes can be tried on it.
    """

    signal: Signal
    resolutions: tuple[float, float]
    overhead: Overhead
    checking: Checking


@torch.no_grad()
def look(sample: Sample, mapping: Mapping, scratch: Path, progress: Progress) -> Looked:
    """Back-project a sample as it is; files lie in the scratch folder.

    Raises:
        ParticleDataError: particles without poses, or of which nothing is resolved.
    """
    first, second, full = mapping.halves(sample.source, scratch, progress)
    mask = mapping.soft_mask(full, sample.pixel_size_angstrom)
    signal, resolutions = _signal(sample, mapping, (first, second), mask)
    checking = Checking(sample, mapping, (first, second), mask, scratch, progress)
    return Looked(signal, resolutions, sample.overhead(scratch), checking)


def _signal(
    sample: Sample, mapping: Mapping, halves: tuple[Tensor, Tensor], mask: Tensor
) -> tuple[Signal, tuple[float, float]]:
    curves, pixel_size = mapping.curves(halves, mask), sample.pixel_size_angstrom
    read = [resolution(curve, pixel_size) for curve in (curves.unmasked, curves.corrected)]
    images = sample.source.images
    try:
        signal = Signal.of(
            curves,
            mask,
            sample.ctf(mapping),
            particles=len(sample),
            views=mapping.views,
            pixel_size_angstrom=pixel_size,
            images=ImagePower.of(images[: min(POWER_OF, len(sample))]),
        )
    except ArgumentError as error:
        raise _nothing_resolved(images.path, len(sample)) from error
    if signal.last_shell(masked=False) == 0:
        raise _nothing_resolved(images.path, len(sample))
    return signal, (read[0], read[1])


def _nothing_resolved(path: Path, count: int) -> ParticleDataError:
    return ParticleDataError(
        f"{path}: nothing is resolved by the half maps of {count} particles, so what they may lose cannot be told: give more "
        "(sample=null looks at all of them), or better poses"
    )
