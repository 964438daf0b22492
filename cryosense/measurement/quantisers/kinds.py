"""The quantisers by name."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cryosense.measurement.quantisers.codebook import codebook, lloyd_max, uniform
from cryosense.measurement.quantisers.layout import QuantiserError
from cryosense.measurement.quantisers.levels import LevelQuantiser
from cryosense.measurement.quantisers.trellis import CODES, trellis

REACH = 12.0  # standard deviations; a number beyond is stored as if it were there
FINEST_STEP, COARSEST_STEP, MOST_LEVELS = 1e-3, 8.0, 256
FINEST_TRELLIS, COARSEST_TRELLIS, MOST_TRELLISES = 0.1, 1.0, 12  # a quarter of a second is needed to make each


class Uniform(LevelQuantiser):
    """Multiples of a step, entropy coded: of all scalar quantisers, the one that needs the fewest bits for its error.

    Args:
        step: in standard deviations of the shell: 0.5 is 3 bits, 0.8 about 2.4, 1.7 about 1.4.
        dither: add a known uniform dither of one step and subtract it again: the error is then independent of the signal.
        last_shell: shells beyond are not measured; None measures all.
        seed: seed of the dither.

    Raises:
        QuantiserError: a step out of range.
    """

    name = "uniform"

    def __init__(self, step: float = 0.8, dither: bool = False, last_shell: int | None = None, seed: int = 0) -> None:
        if not FINEST_STEP <= step <= COARSEST_STEP:
            raise QuantiserError(f"step={step}: give {FINEST_STEP} to {COARSEST_STEP} standard deviations")
        self.parameters = {"step": step, "dither": dither, "last_shell": last_shell, "seed": seed}
        super().__init__([uniform(step, REACH, dither)], [last_shell], [True], seed)


class LloydMax(LevelQuantiser):
    """The quantiser with a given number of levels that loses least.

    Args:
        levels: 2 to 256.
        coded: entropy coded (3 levels: 1.54 bits, 4: 1.91); false packs whole bits.
        dither: uniform, as wide as the mean distance between levels.
        last_shell: shells beyond are not measured; None measures all.
        seed: seed of the dither.

    Raises:
        QuantiserError: a number of levels out of range.
    """

    name = "lloyd_max"

    def __init__(
        self,
        levels: int = 4,
        coded: bool = True,
        dither: bool = False,
        last_shell: int | None = None,
        seed: int = 0,
    ) -> None:
        if not 2 <= levels <= MOST_LEVELS:
            raise QuantiserError(f"levels={levels}: give 2 to {MOST_LEVELS}")
        self.parameters = {"levels": levels, "coded": coded, "dither": dither, "last_shell": last_shell, "seed": seed}
        super().__init__([lloyd_max(levels, dither)], [last_shell], [coded], seed)


class Sign(LevelQuantiser):
    """One bit for each number: whether it is positive.

    Args:
        dither: uniform, as wide as the distance between the two decoded values.
        last_shell: shells beyond are not measured; None measures all.
        seed: seed of the dither.
    """

    name = "sign"

    def __init__(self, dither: bool = False, last_shell: int | None = None, seed: int = 0) -> None:
        self.parameters = {"dither": dither, "last_shell": last_shell, "seed": seed}
        half = float(np.sqrt(2 / np.pi))
        book = codebook(np.zeros(1), np.array([-half, half]), 2 * half if dither else 0.0)
        super().__init__([book], [last_shell], [False], seed)


class Trellis(LevelQuantiser):
    """Two quantisers in turns, entropy coded: all numbers of a particle together in fewer bits than a scalar quantiser needs.

    Args:
        step: in standard deviations of the shell, between levels of both: 0.28 is 2.9 bits, 0.55 about 1.9, 1 about 1.
        states: of the encoder, 4 to 64, a power of two; more need fewer bits and take longer.
        last_shell: shells beyond are not measured; None measures all.

    Raises:
        QuantiserError: a step or states out of range.
    """

    name = "trellis"

    def __init__(self, step: float = 0.55, states: int = 64, last_shell: int | None = None) -> None:
        if not FINEST_TRELLIS <= step <= COARSEST_TRELLIS:
            raise QuantiserError(f"step={step}: give {FINEST_TRELLIS} to {COARSEST_TRELLIS} standard deviations")
        if states not in CODES:
            raise QuantiserError(f"states={states}: give {', '.join(map(str, CODES))}")
        self.parameters = {"step": step, "states": states, "last_shell": last_shell}
        super().__init__([trellis(float(step), int(states))], [last_shell], [True], seed=0)


class ByShell(LevelQuantiser):
    """Several quantisers, each for its own shells: a profile of bits.

    Args:
        parts: the first for shells 0 to its ``last_shell``, the next from there, and so on; the last may take all the rest.
        seed: seed of the dither.

    Raises:
        QuantiserError: parts of another kind.
    """

    name = "by_shell"

    def __init__(self, parts: Sequence[LevelQuantiser], seed: int = 0) -> None:
        if any(not isinstance(part, LevelQuantiser) or len(part.books) != 1 for part in parts):
            raise QuantiserError("parts: give uniform, trellis, lloyd_max or sign quantisers")
        if len({id(part.books[0]) for part in parts if isinstance(part, Trellis)}) > MOST_TRELLISES:
            raise QuantiserError(f"parts: at most {MOST_TRELLISES} different trellises")
        self.parameters = {"parts": list(parts), "seed": seed}
        ends = [part.last_shell for part in parts]
        super().__init__([part.books[0] for part in parts], ends, [part.coded[0] for part in parts], seed)
