"""What a quantiser leaves of each shell, measured in maps and predicted from the quantiser and the signal."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from particle_moments import ParticleMoments

from cryosense import fourier
from cryosense.data import ParticleStack
from cryosense.data.maps import read_map
from cryosense.measurement.file import MeasurementFile
from cryosense.measurement.optics import ParticleOptics
from cryosense.measurement.quantisers.efficiency import kept
from cryosense.measurement.quantisers.levels import LevelQuantiser
from cryosense.metrics import equivalent_particles

IMAGES = 300
WEAK = 0.05  # signal-to-noise of a particle's coefficients, below which eta alone is the prediction


@dataclass(frozen=True)
class Truth:
    """What is known of simulated particles, by shell from 0.

    Attributes:
        amplitudes: of the coefficients of the map without noise, on the scale of a particle's.
        ctf: (p, ...) values of some particles.
        noise: power of a particle's noise.
        snr: power of a particle's signal, CTF included, over it.
        phase_std: of what origins add to the phase of a particle's coefficients, in radians.
        particles: the particles themselves.
    """

    amplitudes: list[np.ndarray]
    ctf: list[np.ndarray]
    noise: np.ndarray
    snr: np.ndarray
    phase_std: np.ndarray
    particles: ParticleMoments

    @classmethod
    def of(cls, star: Path) -> Truth:
        """Of a folder that `cryosense simulate` made."""
        noisy, clean = ParticleStack.open(star), ParticleStack.open(star.with_name("clean.star"))
        n, rows = noisy.box_size, torch.arange(min(IMAGES, len(noisy)))
        x, s = noisy[rows][:, 0].double(), clean[rows][:, 0].double()
        noise = fourier.power_spectrum(x - s).mean(0).numpy()
        snr = fourier.power_spectrum(s).mean(0).numpy() / noise
        pixel = noisy.pixel_size_angstrom
        assert pixel is not None
        ctf = ParticleOptics.of(noisy.tables, pixel, with_ctf=True).ctf(rows, n, pixel)
        assert ctf is not None
        shells = fourier.centred_to_half_plane(fourier.shell_index(n))
        volume = read_map(star.with_name("volume.mrc")).values.double()
        plane, of_volume = fourier.fftn(volume, 3).abs() * math.sqrt(n), fourier.shell_index(n, 3)
        every = range(n // 2 + 1)
        origin_std = noisy.metadata[["rlnOriginXAngst", "rlnOriginYAngst"]].to_numpy().std()
        return cls(
            [plane[of_volume == shell].numpy() for shell in every],
            [ctf[:, shells == shell].double().numpy().ravel() for shell in every],
            noise,
            snr,
            2 * math.pi * np.array(every) * origin_std / (n * pixel),
            ParticleMoments(star),
        )


def efficiency_table(
    scheme: str, file: MeasurementFile, maps: Path, reference: Path, truth: Truth, last_shell: int
) -> pd.DataFrame:
    """-> for each resolved shell that gets bits: eta, both exact predictions and what maps show.

    Maps of the same particles with and without quantisation (``reference``), of the same shells, differ by what quantisation
    adds alone: measured is N / (N + added), N the noise power of half maps without, by their difference.
    """
    quantiser = file.quantiser
    if not isinstance(quantiser, LevelQuantiser):
        return pd.DataFrame()
    by_particle = truth.particles.efficiency(file)
    halves = {path: [read_map(path / f"half{i}.mrc").values for i in (1, 2)] for path in (reference, maps)}
    noise = (fourier.power_spectrum(halves[reference][0] - halves[reference][1], 3) / 2).numpy()
    differences = [a - b for a, b in zip(halves[reference], halves[maps], strict=True)]
    added = fourier.power_spectrum(torch.stack(differences), 3).mean(0).numpy()
    ends = [10**9 if last is None else last for last in quantiser.layouts.last_shells]
    rows = []
    for shell in range(1, min(last_shell, max(ends)) + 1):
        book = quantiser.books[int(np.searchsorted(ends, shell))]
        averaged = truth.noise[shell] / (noise[shell] * len(halves[maps][0]))
        amplitudes = truth.amplitudes[shell] / math.sqrt(truth.noise[shell])
        exact = kept(book, amplitudes, truth.ctf[shell], float(averaged), float(truth.phase_std[shell]))
        measured = noise[shell] / (noise[shell] + added[shell])
        rows.append(
            {
                "scheme": scheme,
                "shell": shell,
                "particle snr": truth.snr[shell],
                "eta": book.eta,
                "exact": exact.power,
                "each particle": by_particle[shell],
                "measured": measured,
                # Both powers are means of so many normal numbers: of one difference, and of two.
                "chance": measured * (1 - measured) * math.sqrt(3 / (4 * math.pi)) / shell,
                "worth": exact.worth,
                "gain": exact.gain,
            }
        )
    return pd.DataFrame(rows)


def predicted_worth(shells: pd.DataFrame, own: torch.Tensor) -> float:
    """-> equivalent particles by the cross-FSC, as a share, that the exact prediction lets expect; ``own``: their FSC."""
    worth = torch.zeros_like(own)
    worth[shells["shell"].to_numpy()] = torch.tensor(shells["worth"].tolist(), dtype=worth.dtype)
    worth[0] = 1.0
    signal = own.clamp(1e-6, 1 - 1e-9) / (1 - own.clamp(1e-6, 1 - 1e-9))
    return equivalent_particles(worth * signal / (1 + worth * signal), own, 1)
