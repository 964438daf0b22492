"""Ways to measure a data set, each with what it leaves of every shell and what it takes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cryosense.measurement import Design, FourierDesign, Full
from cryosense.measurement.quantisers import ByShell, Float16, Float32, Sign, StoredQuantiser, Trellis, Uniform
from cryosense.measurement.quantisers.codebook import Codebook
from cryosense.measurement.quantisers.floats import FloatQuantiser
from cryosense.measurement.quantisers.levels import LevelQuantiser
from cryosense.operators.masks import uniform
from cryosense.tasks.advise.allocation import STEPS, Allocation, allocated, trellis_steps
from cryosense.tasks.advise.keeping import Keeping

LOSSLESS_HALF_BITS, LOSSLESS_SINGLE_BITS = 13.5, 26.7  # of noise, by the entropy coder
BITS = tuple(round(3.2 * 0.9**i, 2) for i in range(15))  # a number, in the mean over the shells: 3.2 to 0.73
LEVEL_BYTES, PART_BYTES = 8, 40  # in a file, of what a level decodes to and its model, and of what describes a part
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
        """Return of one particle's levels."""
        operator = self.quantiser.operator(self.design.operator(box_size, torch.zeros(1, dtype=torch.int64)))
        if isinstance(self.quantiser, FloatQuantiser) and self.quantiser.coded[0]:
            single = isinstance(self.quantiser, Float32)
            return float(operator.rank[0]) * (LOSSLESS_SINGLE_BITS if single else LOSSLESS_HALF_BITS)
        return float(self.quantiser.nominal_bits(operator)[0])

    def shares(self, keeping: Keeping) -> Tensor:
        """Return, (n // 2 + 1,), of each shell's signal-to-noise in the map of these particles, what is left."""
        last = self.quantiser.last_shell
        measured = 1 / self.design.compression_nominal
        left = torch.zeros(keeping.signal.box_size // 2 + 1, dtype=torch.float64)
        for shell in range(len(left) if last is None else min(last + 1, len(left))):
            left[shell] = measured * self._kept(keeping, shell, measured)
        return left

    def _kept(self, keeping: Keeping, shell: int, measured: float) -> float:
        """Return of what is measured of a shell. Rounding of pixels is white, whatever the spectrum of the noise is."""
        quantiser, images = self.quantiser, keeping.signal.images
        if isinstance(quantiser, LevelQuantiser):
            if not self.in_pixels:
                return keeping.of(book_of(quantiser, shell), shell, measured)
            added = 1 / book_of(quantiser, shell).eta - 1
        else:
            assert isinstance(quantiser, FloatQuantiser)
            added = quantiser.rounding**2
        ratio = 1.0
        if self.in_pixels:
            assert images is not None, "pixels are predicted by the spectrum of images"
            ratio = images.pixel_variance / float(images.power[shell])
        return 1 / (1 + (1 + keeping.snr[shell]) * ratio * added)


def book_of(quantiser: LevelQuantiser, shell: int) -> Codebook:
    """Return what quantises a shell's coefficients."""
    ends = [np.inf if last is None else last for last in quantiser.layouts.last_shells]
    return quantiser.books[int(np.searchsorted(np.array(ends), shell))]


def table_bytes(quantiser: StoredQuantiser) -> float:
    """Return of a file, that hold what levels decode to and the models of the coder, and describe the parts."""
    if not isinstance(quantiser, LevelQuantiser):
        return 0.0
    return sum(LEVEL_BYTES * book.levels + PART_BYTES for book in quantiser.books)


def quantiser_name(quantiser: StoredQuantiser) -> str:
    """Return in a few words; its last shell is told by what names it."""
    if isinstance(quantiser, ByShell):
        return f"{bits_a_number(quantiser):.2f} bits in {len(quantiser.books)} parts"
    if isinstance(quantiser, FloatQuantiser):
        return quantiser.name
    return f"step {quantiser.parameters['step']:g}" if isinstance(quantiser, Uniform | Trellis) else quantiser.name


def bits_a_number(quantiser: ByShell) -> float:
    """Return the entropy of a level, in the mean over all numbers that are measured; a shell has as many as its radius."""
    ends = np.array(quantiser.layouts.last_shells, dtype=float)
    numbers = np.diff(ends * (ends + 1), prepend=0.0)
    bits = np.array([book.entropy_bits for book in quantiser.books])
    return float((numbers * bits).sum() / numbers.sum())


def configuration(quantiser: StoredQuantiser) -> dict[str, Any]:
    """Return the node of a configuration that makes it."""
    parameters = {
        key: [configuration(part) for part in value] if key == "parts" else value
        for key, value in quantiser.parameters.items()
    }
    return {"_target_": f"cryosense.measurement.quantisers.{type(quantiser).__name__}", **parameters}


def ladder(keeping: Keeping, last_shells: dict[str, int], trellises: bool = True) -> list[Scheme]:
    """Return what is compared: quantisers of whitened coefficients and of pixels, flat masks, and numbers as they are.

    Args:
        keeping: of the whole data set, by which bits go to shells.
        last_shells: of one step for all shells, by the name of the line; bits by shell go up to that of ``RESOLVED``.
        trellises: whether they are compared, too.
    """
    allocation = Allocation.of(keeping, last_shells[RESOLVED], trellises=trellises)
    by_shell = {str(configuration(each)): each for each in (allocated(allocation, bits) for bits in BITS)}
    made = [Scheme(BY_SHELL, each, Full()) for each in by_shell.values()]  # two budgets may buy the same
    for kind, last in last_shells.items():
        made += [Scheme(kind, Uniform(step, last_shell=last), Full()) for step in STEPS]
        steps = trellis_steps() if trellises else ()
        made += [Scheme(f"trellis, {kind}", Trellis(step, last_shell=last), Full()) for step in steps]
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
