"""Micrographs: what is drawn for each, which particles lie in it, and how strong its molecule's signal is."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from cryosense import fourier
from cryosense.volumes.ctf import CtfParameters, ctf_half_plane

from .microscope import Microscope
from .noise import NoiseModel


@dataclass(frozen=True)
class Micrograph:
    """What is drawn for one micrograph: the molecule's state, and the conditions under which it is seen."""

    number: int
    state: int
    pixel_size_angstrom: float
    diameter_angstrom: float
    snr: float
    neighbours_sought: float
    ice_gradient: float
    noise_model: NoiseModel


def by_micrograph(particles: range, microscope: Microscope) -> list[tuple[int, range]]:
    """Return numbers of micrographs and those of their particles that are asked for."""
    size = microscope.particles_per_micrograph
    numbers = dict.fromkeys(microscope.micrographs(particles))
    return [(each, range(max(particles.start, each * size), min(particles.stop, (each + 1) * size))) for each in numbers]


def expected_variance(volume: Tensor, ctf: CtfParameters, pixel_size_angstrom: float) -> float:
    """Return the variance per pixel of a volume's modulated projections, over uniform poses; the same mean is in all of them.

    By the central slice theorem the mean power of slices is the mean over shells of the volume's own.
    """
    n = volume.shape[-1]
    inside = fourier.shell_index(n) <= n // 2
    power = n * fourier.power_spectrum(volume.double(), 3)[fourier.shell_index(n).clamp(max=n // 2)]
    power = fourier.centred_to_half_plane(torch.where(inside, power, 0.0))
    power[0, 0] = 0.0
    modulated = power * (ctf_half_plane(ctf, n, pixel_size_angstrom).double() ** 2).mean(0)
    return float((modulated[:, 1 : n // 2].sum() * 2 + modulated[:, [0, n // 2]].sum()) / n**2)
