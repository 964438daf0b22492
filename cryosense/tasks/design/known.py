"""What is known of a data set before it is measured, from a pilot or from a sample of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import torch

from cryosense.alignment.turning import Turns
from cryosense.tasks.advise.looking import Looked
from cryosense.tasks.advise.prediction import Overhead
from cryosense.tasks.advise.signal import Signal
from cryosense.tasks.mask_design.ctf_spectra import ctf_spectrum
from cryosense.tasks.mask_design.expected import expected_snr, particle_count
from cryosense.tasks.mask_design.pilots import Pilot, turns_in_sphere
from cryosense.volumes.symmetry import point_group


@dataclass(frozen=True)
class Known:
    """A data set that is to be measured.

    Attributes:
        signal: of all its particles.
        looked_at: particles in the half maps that it is known from.
        turns: what turns of the particle change; None without half maps.
        overhead: bytes beside levels; None where the table of its particles is not known.
    """

    signal: Signal
    looked_at: int
    turns: Turns | None
    overhead: Overhead | None

    @classmethod
    def of_sample(cls, looked: Looked, particles: int, symmetry: str, *, sought: bool) -> Self:
        """From a sample that was looked at; ``symmetry`` was imposed on its maps, turns are looked for where poses are sought.

        Raises:
            ArgumentError: its half maps agree in too few shells.
        """
        turns = turns_in_sphere(*looked.checking.uncompressed, symmetry) if sought else None
        return cls(looked.signal.of_particles(particles), looked.signal.particles, turns, looked.overhead)

    @classmethod
    def of_pilot(
        cls, pilot: Pilot, particles: int | None, ctf: str | None, pilot_ctf: str | None, symmetry: str, *, sought: bool
    ) -> Self:
        """From a pilot, on which ``symmetry`` was imposed; turns are looked for where poses are ``sought``.

        Raises:
            CryosenseError: files that cannot be used, or half maps that agree in too few shells.
        """
        n, count = pilot.box_size, particle_count(pilot, particles, ctf)
        snr, masked = (expected_snr(pilot, count, ctf, pilot_ctf, first=first) for first in (0, len(pilot.curves) - 1))
        gain = float((masked.log_snr - snr.log_snr)[1:].mean().exp())
        spectrum = None if ctf is None else ctf_spectrum(Path(ctf), n, pilot.pixel_size_angstrom)
        signal = Signal(
            snr,
            max(gain, 1.0),
            count,
            len(point_group(symmetry)),
            pilot.pixel_size_angstrom,
            None,
            torch.ones(n // 2 + 1, 1) if spectrum is None else spectrum.power.sqrt()[:, None],
        )
        return cls(signal, pilot.particles, pilot.turns(symmetry) if sought else None, None)
