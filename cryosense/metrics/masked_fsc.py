"""Fourier shell correlation of masked half maps, and how much of it the mask has made (Chen et al. 2013)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from cryosense import seeding
from cryosense.errors import ArgumentError
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
    randomised_from: int

    @property
    def corrected(self) -> Tensor:
        """(n // 2 + 1,): the masked curve, less what the mask has made of it."""
        return self.correct(self.masked)

    def correct(self, masked: Tensor) -> Tensor:
        """(..., n // 2 + 1) masked FSC -> corrected by the curve of randomised phases, see :func:`half_map_curves`."""
        beyond = slice(self.randomised_from + SHELLS_BESIDE_CUTOFF, None)
        corrected, chance = masked.clone(), self.phase_randomised[beyond]
        corrected[..., beyond] = (masked[..., beyond] - chance) / (1 - chance)
        return corrected


def half_map_curves(half1: Tensor, half2: Tensor, mask: Tensor, *, randomise_below: float, seed: int) -> HalfMapCurves:
    """(n, n, n) half maps and soft mask -> their curves, without the mask, with it, and corrected for it.

    Phases are randomised, independently in both halves, from the shell on in which the unmasked curve first falls below
    ``randomise_below`` (RELION's 0.8). What is left of the correlation under the mask is the mask's:
    ``corrected = (masked - randomised) / (1 - randomised)`` from two shells beyond (Chen et al. 2013, eq. 4), the masked curve
    before that.

    Raises:
        ArgumentError: the three are not cubes of one size.
    """
    if mask.shape != half1.shape:
        raise ArgumentError(f"the mask has shape {tuple(mask.shape)}, the half maps {tuple(half1.shape)}")
    unmasked = fsc(half1, half2)
    masked = fsc(half1 * mask, half2 * mask)
    below = (unmasked < randomise_below).nonzero()[:, 0]
    cutoff = int(below[0]) if len(below) else len(unmasked)
    randomised = fsc(*(randomise_phases(half, cutoff, seed, i) * mask for i, half in enumerate((half1, half2))))
    return HalfMapCurves(unmasked, masked, randomised, cutoff)


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
