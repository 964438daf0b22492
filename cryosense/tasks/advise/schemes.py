"""Ways to measure a data set, each with what it leaves of every shell and what it takes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cryosense.measurement import Design, FourierDesign, Full
from cryosense.measurement.quantisers import ByShell, Float16, Float32, Sign, StoredQuantiser, Uniform
from cryosense.measurement.quantisers.codebook import Codebook
from cryosense.measurement.quantisers.efficiency import efficiency
from cryosense.measurement.quantisers.floats import FloatQuantiser
from cryosense.measurement.quantisers.levels import LevelQuantiser
from cryosense.operators.masks import uniform
from cryosense.tasks.advise.allocation import Allocation, allocated
from cryosense.tasks.advise.signal import Signal

LOSSLESS_HALF_BITS, LOSSLESS_SINGLE_BITS = 13.5, 26.7  # of noise, by the entropy coder
STEPS = tuple(round(0.5 * 1.15**i, 2) for i in range(13))  # 0.5 to 2.7 deviations
BITS = tuple(round(3.2 * 0.9**i, 2) for i in range(15))  # a number, in the mean over the shells: 3.2 to 0.73
RESOLVED, BY_SHELL = "resolved", "bits by shell"
PAPERS_COMPRESSION, TWO_BITS_STEP = 2.5, 1.08


@dataclass(frozen=True)
class Scheme:
    """A design and a quantiser.

    Attributes:
        kind: of the line that it belongs to in a figure.
        quantiser: what numbers become.
        design: which numbers are measured.
    """

    kind: str
    quantiser: StoredQuantiser
    design: Design

    @property
    def name(self) -> str:
        """For tables."""
        return f"{self.kind}: {quantiser_name(self.quantiser)}"

    @property
    def in_pixels(self) -> bool:
        """Whether pixels are quantised, and not whitened coefficients."""
        return self.design.domain == "pixel"

    def bits(self, box_size: int) -> float:
        """-> of one particle's levels."""
        operator = self.quantiser.operator(self.design.operator(box_size, torch.zeros(1, dtype=torch.int64)))
        if isinstance(self.quantiser, FloatQuantiser) and self.quantiser.coded[0]:
            single = isinstance(self.quantiser, Float32)
            return float(operator.rank[0]) * (LOSSLESS_SINGLE_BITS if single else LOSSLESS_HALF_BITS)
        return float(self.quantiser.nominal_bits(operator)[0])

    def shares(self, signal: Signal) -> Tensor:
        """-> (n // 2 + 1,): of each shell's signal-to-noise in the map of these particles, what is left."""
        last = self.quantiser.last_shell
        measured = 1 / self.design.compression_nominal
        kept = torch.zeros(signal.box_size // 2 + 1, dtype=torch.float64)
        end = len(kept) if last is None else min(last + 1, len(kept))
        snr, seen = signal.particle_snr.tolist(), (signal.seen * measured).clamp_min(1).tolist()
        for shell in range(end):
            ratio = float(signal.images.pixel_variance / signal.images.power[shell]) if self.in_pixels else 1.0
            kept[shell] = measured * kept_of(self.quantiser, shell, snr[shell], seen[shell], ratio)
        return kept


def kept_of(quantiser: StoredQuantiser, shell: int, snr: float, seen: float, ratio: float = 1.0) -> float:
    """-> of the signal-to-noise of a map's shell, in which a particle has ``snr`` and of which ``seen`` are averaged.

    Args:
        ratio: of the variance of the numbers that are quantised to that of this shell's coefficients.
    """
    if isinstance(quantiser, LevelQuantiser):
        book = book_of(quantiser, shell)
        if ratio == 1.0:
            return efficiency(book, snr, particles=seen)
        return 1 / (1 + (1 + snr) * ratio * (1 / book.eta - 1))
    assert isinstance(quantiser, FloatQuantiser)
    return 1 / (1 + (1 + snr) * ratio * quantiser.rounding**2)


def book_of(quantiser: LevelQuantiser, shell: int) -> Codebook:
    """-> what quantises a shell's coefficients."""
    ends = [np.inf if last is None else last for last in quantiser.layouts.last_shells]
    return quantiser.books[int(np.searchsorted(np.array(ends), shell))]


def quantiser_name(quantiser: StoredQuantiser) -> str:
    """-> in a few words; its last shell is told by what names it."""
    if isinstance(quantiser, ByShell):
        steps = [part.parameters["step"] for part in quantiser.parameters["parts"]]
        return f"steps {min(steps):g} to {max(steps):g} in {len(steps)} parts"
    if isinstance(quantiser, FloatQuantiser):
        return quantiser.name
    return f"step {quantiser.parameters['step']:g}" if isinstance(quantiser, Uniform) else quantiser.name


def configuration(quantiser: StoredQuantiser) -> dict[str, Any]:
    """-> the node of a configuration that makes it."""
    parameters = {
        key: [configuration(part) for part in value] if key == "parts" else value
        for key, value in quantiser.parameters.items()
    }
    return {"_target_": f"cryosense.measurement.quantisers.{type(quantiser).__name__}", **parameters}


def ladder(signal: Signal, last_shells: dict[str, int]) -> list[Scheme]:
    """-> what is compared: quantisers of whitened coefficients and of pixels, flat masks, and numbers as they are.

    Args:
        signal: of the whole data set, by which bits go to shells.
        last_shells: of one step for all shells, by the name of the line; bits by shell go up to that of :data:`RESOLVED`.
    """
    allocation = Allocation.of(signal, last_shells[RESOLVED])
    made = [Scheme(BY_SHELL, allocated(allocation, bits), Full()) for bits in BITS]
    for kind, last in last_shells.items():
        made += [Scheme(kind, Uniform(step, last_shell=last), Full()) for step in STEPS]
        made.append(Scheme(f"signs, {kind}", Sign(last_shell=last), Full()))
    made += [Scheme("pixels", Uniform(step), Full("pixel")) for step in STEPS]
    made += [
        Scheme("as it is", Float32(), Full("pixel")),
        Scheme("lossless", Float32(coded=True), Full("pixel")),
        Scheme("lossless", Float16(coded=True), Full("pixel")),
    ]
    flat = partial(FourierDesign, uniform, compression=PAPERS_COMPRESSION, per_particle=True)
    kind = f"flat masks, C = {PAPERS_COMPRESSION:g}"
    made += [Scheme(kind, each, flat()) for each in (Float32(), Float16(coded=True), Uniform(TWO_BITS_STEP))]
    return made
