"""What a quantiser leaves of each shell, measured in maps and predicted from the quantiser."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import torch

from cryosense import fourier
from cryosense.data import ParticleStack
from cryosense.data.maps import read_map
from cryosense.measurement.file import MeasurementFile
from cryosense.measurement.quantisers.efficiency import efficiency
from cryosense.measurement.quantisers.levels import LevelQuantiser

IMAGES = 300


def efficiency_table(scheme: str, file: MeasurementFile, maps: Path, full: Path, star: Path, last_shell: int) -> pd.DataFrame:
    """-> for each resolved shell that gets bits: eta, exact prediction and what maps show.

    Maps of the same particles with and without quantisation differ by the added noise alone: measured is
    N / (N + added), N the noise power of half maps without, by their difference.
    """
    if not isinstance(file.quantiser, LevelQuantiser):
        return pd.DataFrame()
    halves = {path: [read_map(path / f"half{i}.mrc").values for i in (1, 2)] for path in (full, maps)}
    noise = fourier.power_spectrum(halves[full][0] - halves[full][1], 3) / 2
    added = sum(fourier.power_spectrum(a - b, 3) for a, b in zip(halves[full], halves[maps], strict=True)) / 2
    measured = (noise / (noise + added)).numpy()
    snr = particle_snr(star)
    ends = [10**9 if last is None else last for last in file.quantiser.layouts.last_shells]
    rows = []
    for shell in range(1, min(last_shell, max(ends)) + 1):
        book = file.quantiser.books[int(np.searchsorted(ends, shell))]
        seen = len(file) / 2 / (2 * shell)  # particles of a half whose slice passes a coefficient of the map
        rows.append(
            {
                "scheme": scheme,
                "shell": shell,
                "particle snr": snr[shell],
                "eta": book.eta,
                "first order": efficiency(book, snr[shell]),
                "exact": efficiency(book, snr[shell], particles=max(1.0, seen), correlation=float(overlap(star))),
                "measured": measured[shell],
            }
        )
    return pd.DataFrame(rows)


def particle_snr(star: Path) -> np.ndarray:
    """-> (n // 2 + 1,): power of the clean images over that of the noise, CTF included."""
    noisy, clean = ParticleStack.open(star), ParticleStack.open(star.with_name("clean.star"))
    rows = torch.arange(min(IMAGES, len(noisy)))
    x, s = noisy[rows][:, 0].double(), clean[rows][:, 0].double()
    return (fourier.power_spectrum(s).mean(0) / fourier.power_spectrum(x - s).mean(0)).numpy()


def overlap(star: Path) -> float:
    """-> how much of the distortion two particles share: it is odd in c s, and is added up with the weights c."""
    return 1.0
