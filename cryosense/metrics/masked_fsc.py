"""Fourier shell correlation of masked half maps, and how much of it the mask has made (Chen et al. 2013)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from cryosense import seeding
from cryosense.fourier import fftn, frequency_radius, ifftn
from cryosense.metrics.fsc import fsc

# Just beyond the cutoff a mask mixes shells with randomised and with true phases: RELION keeps the masked curve there too.
SHELLS_BESIDE_CUTOFF = 2


@dataclass(frozen=True)
class HalfMapCurves:
    """FSC of two half maps, each (n // 2 + 1,); phases are randomised from shell ``randomised_from`` on."""

    unmasked: Tensor
    masked: Tensor
    phase_randomised: Tensor
    corrected: Tensor
    randomised_from: int


def half_map_curves(half1: Tensor, half2: Tensor, mask: Tensor, *, randomise_below: float, seed: int) -> HalfMapCurves:
    """(n, n, n) half maps and soft mask -> their curves, without the mask, with it, and corrected for it.

    Phases are randomised, independently in both halves, from the shell on in which the unmasked curve first falls below
    ``randomise_below`` (RELION's 0.8). What is left of the correlation under the mask is the mask's:
    ``corrected = (masked - randomised) / (1 - randomised)`` from two shells beyond (Chen et al. 2013, eq. 4), the masked curve
    before that.

    Raises:
        ValueError: the three are not cubes of one size.
    """
    if mask.shape != half1.shape:
        raise ValueError(f"the mask has shape {tuple(mask.shape)}, the half maps {tuple(half1.shape)}")
    unmasked = fsc(half1, half2)
    masked = fsc(half1 * mask, half2 * mask)
    below = (unmasked < randomise_below).nonzero()[:, 0]
    cutoff = int(below[0]) if len(below) else len(unmasked)
    randomised = fsc(*(randomise_phases(half, cutoff, seed, i) * mask for i, half in enumerate((half1, half2))))
    corrected = masked.clone()
    beyond = slice(cutoff + SHELLS_BESIDE_CUTOFF, None)
    corrected[beyond] = (masked[beyond] - randomised[beyond]) / (1 - randomised[beyond])
    return HalfMapCurves(unmasked, masked, randomised, corrected, cutoff)


def randomise_phases(volume: Tensor, first_shell: int, seed: int, index: int) -> Tensor:
    """(n, n, n) real -> (n, n, n) float64: the same amplitudes, with the phases of white noise from ``first_shell`` on.

    ``seed`` and ``index`` fix the noise.
    """
    n = volume.shape[-1]
    spectrum = fftn(volume.double(), 3)
    noise = torch.from_numpy(seeding.generator(seed, index).standard_normal((n, n, n))).to(volume.device)
    random = fftn(noise, 3)
    beyond = torch.round(frequency_radius(n, 3, device=volume.device)) >= first_shell
    return ifftn(torch.where(beyond, spectrum.abs() * random / random.abs(), spectrum), 3).real
