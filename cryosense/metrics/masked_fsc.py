"""Fourier shell correlation of masked half maps, and how much of it the mask itself creates (Chen et al. 2013)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from cryosense import seeding
from cryosense.errors import ArgumentError
from cryosense.fourier import from_half_spectrum, half_spectrum
from cryosense.metrics.shells import correlation, shells_in_portions

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
        """The masked curve, (n // 2 + 1,), without the correlation that the mask created."""
        return self.correct(self.masked)

    def correct(self, masked: Tensor) -> Tensor:
        """Return masked FSC (..., n // 2 + 1) corrected by the curve of randomised phases; see ``half_map_curves``."""
        beyond = slice(self.randomised_from + SHELLS_BESIDE_CUTOFF, None)
        corrected, chance = masked.clone(), self.phase_randomised[beyond]
        corrected[..., beyond] = (masked[..., beyond] - chance) / (1 - chance)
        return corrected


def half_map_curves(half1: Tensor, half2: Tensor, mask: Tensor, *, randomise_below: float, seed: int) -> HalfMapCurves:
    """Return the curves of half maps (n, n, n): without the soft mask, with it, and corrected for it.

    Phases are randomised, independently in both halves, from the shell on in which the unmasked curve first falls below
    ``randomise_below`` (RELION's 0.8). Correlation that remains under the mask is the mask's own:
    ``corrected = (masked - randomised) / (1 - randomised)`` from two shells beyond (Chen et al. 2013, eq. 4), and the masked
    curve before that. Everything is computed in the precision of the half maps.

    Raises:
        ArgumentError: the three are not cubes of one size.
    """
    if mask.shape != half1.shape:
        raise ArgumentError(f"the mask has shape {tuple(mask.shape)}, the half maps {tuple(half1.shape)}")
    mask = mask.to(half1.dtype)
    masked = correlation(*(half_spectrum(half * mask, 3) for half in (half1, half2)), ndim=3)
    spectra = [half_spectrum(half, 3) for half in (half1, half2)]
    unmasked = correlation(*spectra, ndim=3)
    below = (unmasked < randomise_below).nonzero()[:, 0]
    cutoff = int(below[0]) if len(below) else len(unmasked)
    for index, spectrum in enumerate(spectra):
        _randomise(spectrum, cutoff, seed, index)
        spectra[index] = half_spectrum(from_half_spectrum(spectrum, half1.shape[-1], 3).mul_(mask), 3)
    return HalfMapCurves(unmasked, masked, correlation(*spectra, ndim=3), cutoff)


def randomise_phases(volume: Tensor, first_shell: int, seed: int, index: int) -> Tensor:
    """Return a real map (n, n, n) float64 with the same amplitudes and the phases of white noise from ``first_shell`` on.

    The noise depends only on ``seed`` and ``index``.
    """
    spectrum = half_spectrum(volume.double(), 3)
    _randomise(spectrum, first_shell, seed, index)
    return from_half_spectrum(spectrum, volume.shape[-1], 3)


def _randomise(spectrum: Tensor, first_shell: int, seed: int, index: int) -> None:
    """Randomise a half spectrum (n, n, n // 2 + 1) in place, a few planes at a time."""
    n = spectrum.shape[0]
    noise = torch.from_numpy(seeding.generator(seed, index).standard_normal((n, n, n)))
    random = half_spectrum(noise.to(spectrum.device, spectrum.real.dtype), 3)
    for part, shell in shells_in_portions(n, 3, device=spectrum.device):
        here = spectrum[part]
        here.copy_(torch.where(shell >= first_shell, here.abs() * random[part].sgn(), here))
