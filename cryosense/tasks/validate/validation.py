"""Checks whether a reconstruction invents structure: noise, and particles without fine detail, go through the whole chain."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import torch
from torch import Tensor

from cryosense.errors import ArgumentError
from cryosense.files.tables import write_csv
from cryosense.files.writing import write_text
from cryosense.metrics import fsc
from cryosense.runs.record import Kind
from cryosense.tasks.maps.alignments import Alignments
from cryosense.tasks.maps.references import read_map
from cryosense.tasks.reconstruct.run import Run
from cryosense.tasks.validate.aligned_noise import AlignedNoise, aligned_noise, noise_table
from cryosense.tasks.validate.controls import Alter, altered, chosen_particles
from cryosense.tasks.validate.verdicts import Verdict, verdict_table, verdicts
from cryosense.volumes.backproject import SliceAccumulator, Slices

VALIDATION = Kind(results=("curves.csv", "validation.csv", "validation.md", "validation.png"))
# The images' means leak into the first shell of a map, alike in both halves.
FIRST_SHELL = 2
# Interpolation mixes shells next to the cutoff with those before it.
SHELLS_BESIDE_CUTOFF = 2


class Halves(NamedTuple):
    """Half maps and the map of all particles, (n, n, n) each."""

    half1: Tensor
    half2: Tensor
    full: Tensor


@dataclass(frozen=True)
class Checked:
    """The curves of a validation, a row for each shell, and the verdicts on them; phases are random from ``cutoff`` on."""

    curves: pd.DataFrame
    verdicts: list[Verdict]
    cutoff: int
    box_angstrom: float
    particles: int
    significance: float
    noise: AlignedNoise | None

    def write(self, directory: Path) -> dict[str, object]:
        """Write ``curves.csv``, ``validation.csv`` and ``validation.md``, and return a summary."""
        write_csv(directory / "curves.csv", self.curves)
        write_csv(directory / "validation.csv", pd.DataFrame(self.verdicts))
        told = verdict_table(self.verdicts, self.significance)
        passed = all(verdict.passed for verdict in self.verdicts)
        if self.noise is not None:
            told += "\n" + noise_table(self.noise, self.significance)
            passed = passed and self.noise.passed(self.significance)
        write_text(directory / "validation.md", told)
        return {"passed": passed, "cutoff_shell": self.cutoff, "particles": self.particles}


@dataclass(frozen=True)
class Validation:
    """What is put through the chain, and what decides.

    Attributes:
        run: measurement and reconstruction; methods learn from the particles as they are, as in use.
        reference: the true map, with the particles' box and pixel size; None for the map of the particles without compression.
        cutoff_angstrom: phases are randomised beyond; None for where the uncompressed half-map FSC falls below
            ``randomise_below``.
        ctf_correction: false for particles whose CTF is corrected already, or that have none.
        most_particles: this many, drawn at random, are used.
        significance: a check fails if chance has a smaller probability than this.
        pad_factor, regularisation: see ``SliceAccumulator``.
        align_noise_to_angstrom: also find poses of noise by the true map at this resolution, see ``aligned_noise``.
    """

    run: Run
    reference: str | None
    cutoff_angstrom: float | None
    randomise_below: float
    ctf_correction: bool
    most_particles: int
    significance: float
    pad_factor: int
    regularisation: float
    align_noise_to_angstrom: float | None = None

    def __post_init__(self) -> None:
        if self.most_particles < 2 or not 0 < self.significance < 1 or not 0 < self.randomise_below < 1:
            raise ArgumentError(
                f"most_particles={self.most_particles} must be at least 2, significance={self.significance} and "
                f"randomise_below={self.randomise_below} lie in (0, 1)"
            )

    def make(self, progress: Callable[[int], object]) -> Checked:
        """Make all checks. ``progress`` is called with the number of images done, six for each particle.

        Raises:
            ArgumentError: input that cannot be used, before any work; a cutoff that leaves no shells beyond.
        """
        run = self.run
        alignments = Alignments.of(run.source.images, with_ctf=self.ctf_correction)
        n, pixel_size = alignments.box_size, alignments.pixel_size_angstrom
        run.check(n)
        truth = None if self.reference is None else read_map(self.reference, "reference", n, pixel_size)
        given = self.cutoff_angstrom
        cutoff = None if given is None else _checked_cutoff(round(n * pixel_size / given), n // 2)
        if len(alignments.half_set[self._positions()].unique()) < 2:
            raise ArgumentError(f"most_particles={self.most_particles}: one of the half sets gets none of them; use more")
        run.fitting.fit(run.reconstructor, run.source, run.particles, run.scaled, run.measure, run.scores)
        particles = self._maps(alignments, _unaltered, False, progress)
        cutoff = self._cutoff(fsc(particles.half1, particles.half2)) if cutoff is None else cutoff
        truth = particles.full if truth is None else truth
        table = pd.DataFrame({"shell": range(n // 2 + 1)})
        for name, is_altered, compressed, halves in self._all_maps(alignments, particles, cutoff, progress):
            kind = f"{name}, {'compressed' if compressed else 'uncompressed'}" if is_altered else name
            table[f"{kind}, half maps"] = fsc(halves.half1, halves.half2).numpy()
            table[f"{kind}, to truth"] = fsc(halves.full, truth).numpy()
        empty = {"noise": FIRST_SHELL, "randomised": cutoff + SHELLS_BESIDE_CUTOFF}
        found = verdicts(table, empty, self.significance)
        noise = self._aligned_noise(alignments, truth)
        if noise is not None:
            table = table.assign(**{f"noise, aligned, {name}": curve.numpy() for name, curve in noise.curves.items()})
        return Checked(table, found, cutoff, n * pixel_size, len(self._positions()), self.significance, noise)

    def _aligned_noise(self, alignments: Alignments, truth: Tensor) -> AlignedNoise | None:
        resolution = self.align_noise_to_angstrom
        return None if resolution is None else aligned_noise(self.run, truth, alignments, self._positions(), resolution)

    def _all_maps(
        self, alignments: Alignments, particles: Halves, cutoff: int, progress: Callable[[int], object]
    ) -> Iterator[tuple[str, bool, bool, Halves]]:
        """Yield what the maps are made of, whether of altered images, whether compressed, and the maps."""
        yield "particles, uncompressed", False, False, particles
        yield "particles, compressed", False, True, self._maps(alignments, _unaltered, True, progress)
        for name, alter in altered(self.run, cutoff).items():
            for compressed in (False, True):
                yield name, True, compressed, self._maps(alignments, alter, compressed, progress)

    @torch.no_grad()
    def _maps(self, alignments: Alignments, alter: Alter, compressed: bool, progress: Callable[[int], object]) -> Halves:
        """Stream the altered particles, through measurement and reconstruction if ``compressed``, into half maps."""
        n, run = alignments.box_size, self.run
        sums = [SliceAccumulator(n, self.pad_factor).to(run.device) for _ in range(2)]
        for rows in self._positions().split(run.chunk_size):
            numbers = run.particles[rows]
            images = alter(run.source.images[rows], numbers)
            if compressed:
                images = self._through_the_chain(None if alter is _unaltered else images, rows)
            terms = alignments.slices(images[:, 0].to(run.device), rows, None)
            rotations, half_set = alignments.rotations(rows).to(run.device), alignments.half_set[rows]
            for number, half in enumerate(sums):
                chosen = half_set == number
                half.insert(Slices(terms.numerator[chosen], terms.weight[chosen]), rotations[chosen])
            progress(len(rows))
        half1, half2 = (half.volume(self.regularisation).cpu() for half in sums)
        sums[0].add(sums[1])
        return Halves(half1, half2, sums[0].volume(self.regularisation).cpu())

    def _through_the_chain(self, images: Tensor | None, rows: Tensor) -> Tensor:
        """Return images (b, 1, n, n) in the units of the stack, measured and reconstructed.

        Without images, the particles at rows (b,): as they are measured, or as their file says they were.
        """
        run = self.run
        if images is None:
            measurement, _, offset, gain = run.measured(rows)
        else:
            scaled, offset, gain = run.scaled(images)
            measurement = run.measure(scaled, run.particles[rows])
        return run.scaling.invert(run.reconstructor(measurement).x, offset, gain)

    def _positions(self) -> Tensor:
        """Return positions (m,) in the source."""
        return chosen_particles(len(self.run.particles), self.most_particles, self.run.seed)

    def _cutoff(self, curve: Tensor) -> int:
        """Return the first shell whose phases are randomised, given the half-map FSC (n // 2 + 1,) without compression."""
        below = (curve[1:] < self.randomise_below).nonzero()[:, 0]
        return _checked_cutoff(max(2, int(below[0]) + 1) if len(below) else len(curve), len(curve) - 1)


def _checked_cutoff(cutoff: int, nyquist: int) -> int:
    if not 2 <= cutoff <= nyquist - 3 - SHELLS_BESIDE_CUTOFF:
        raise ArgumentError(
            f"phases would be randomised from shell {cutoff} of {nyquist} on: set cutoff_angstrom so that some shells are "
            "left on both sides"
        )
    return cutoff


def _unaltered(images: Tensor, numbers: Tensor) -> Tensor:
    del numbers
    return images
