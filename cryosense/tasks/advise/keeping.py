"""What quantisers leave of the shells of a data set's map."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from cryosense.measurement.quantisers.codebook import Codebook
from cryosense.measurement.quantisers.efficiency import kept
from cryosense.tasks.advise.signal import Signal

AMPLITUDES = 16  # that stand for those of a shell
# Signal over noise in a particle times the particles that are averaged, above which what they share is no longer small.
WEAK, FEW = 2e-3, 1e-2


class Keeping:
    """Shares of signal-to-noise that are kept, each found once.

    Args:
        signal: of the data set; amplitudes of a shell are taken for those of normal coefficients (Wilson 1949).
    """

    def __init__(self, signal: Signal) -> None:
        self.signal = signal
        self.snr, self.seen = signal.particle_snr.tolist(), signal.seen.tolist()
        self._known: dict[tuple[int, int, float, float, float], float] = {}

    @cached_property
    def _amplitudes(self) -> np.ndarray:
        """Of unit mean square."""
        drawn = np.sqrt(-np.log1p(-(np.arange(AMPLITUDES) + 0.5) / AMPLITUDES))
        return np.asarray(drawn / np.sqrt((drawn**2).mean()))

    def of(self, book: Codebook, shell: int, measured: float = 1.0) -> float:
        """Return what a quantiser leaves of a shell, through masks of which so large a share of the particles is measured."""
        key = (shell, book.levels, book.dither_width, book.eta, measured)
        if key not in self._known:
            self._known[key] = self._of(book, shell, measured)
        return self._known[key]

    def _of(self, book: Codebook, shell: int, measured: float) -> float:
        snr, seen = self.snr[shell], max(self.seen[shell] * measured, 1.0)
        if book.dither_width or snr < WEAK or snr**3 * seen < FEW * WEAK:
            return 1 / (1 + (1 + snr) * (1 / book.eta - 1))  # nothing is shared
        ctf = self.signal.ctf[shell].numpy()
        power = float((ctf**2).mean())
        return min(kept(book, self._amplitudes * np.sqrt(snr / power), ctf, power * seen).worth, 1.0)
