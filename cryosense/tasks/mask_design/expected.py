"""What a pilot lets expect of the whole data set that it was taken from."""

from __future__ import annotations

import math
from pathlib import Path

from cryosense.metrics.shell_snr import ShellSnr, fit_shell_snr
from cryosense.operators.masks import MaskError
from cryosense.tasks.mask_design.ctf_spectra import ctf_spectrum
from cryosense.tasks.mask_design.pilots import Pilot


def particle_count(pilot: Pilot, particles: int | None, ctf: str | None) -> int:
    """Return the number of particles in the data set: as given, or as many as its STAR file has. Raises MaskError: neither."""
    if particles is None and ctf is not None:
        particles = ctf_spectrum(Path(ctf), pilot.box_size, pilot.pixel_size_angstrom).particles
    if particles is None or particles < 2:
        raise MaskError(f"particles={particles}: give the number of particles that the design is for, or their CTFs as ctf")
    return particles


def expected_snr(
    pilot: Pilot, particles: int, ctf: str | None = None, pilot_ctf: str | None = None, *, first: int = 0
) -> ShellSnr:
    """Return s(k) of the uncompressed half maps of the whole data set: the pilot's, scaled to its particles and CTFs.

    The factor is ``N c(k) / (N_pilot c_pilot(k))``, where N are numbers of particles and c(k) their mean CTF^2: the
    weights of a back-projection, over the same noise. Poses are assumed to be as good as the pilot's.

    Args:
        pilot: uncompressed particles.
        particles: in the data set.
        ctf, pilot_ctf: STAR files of the data set and of the pilot, None if unknown.
        first: which of the pilot's curves is the one whose s(k) is wanted; the others help to find it.
    """
    n, pixel_size = pilot.box_size, pilot.pixel_size_angstrom
    full = None if ctf is None else ctf_spectrum(Path(ctf), n, pixel_size)
    of_pilot = full if pilot_ctf is None else ctf_spectrum(Path(pilot_ctf), n, pixel_size)
    curves = [pilot.curves[first], *pilot.curves[:first], *pilot.curves[first + 1 :]]
    fitted = fit_shell_snr(curves, modulation=None if of_pilot is None else of_pilot.power)
    log_snr = fitted.log_snr + math.log(particles / pilot.particles)
    if full is not None and of_pilot is not None:
        log_snr = log_snr + full.power.log() - of_pilot.power.log()
    return ShellSnr(log_snr, fitted.deviation)
