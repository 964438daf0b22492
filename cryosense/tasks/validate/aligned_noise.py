"""Noise whose poses are found by a reference: what comes out is the reference ("Einstein from noise")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from cryosense.alignment import Aligned, Aligner, Calibration, Fineness, Observed
from cryosense.errors import ArgumentError
from cryosense.metrics import fsc
from cryosense.metrics.chance import chance_test
from cryosense.tasks.maps.alignments import Alignments
from cryosense.tasks.maps.slices import slices_through
from cryosense.tasks.poses.alignment import in_sphere
from cryosense.tasks.reconstruct.run import Run
from cryosense.tasks.validate.controls import measured_share, noise_like
from cryosense.volumes.backproject import SliceAccumulator, Slices

CALIBRATION_PARTICLES = 64
FIRST_SHELL = 2
SHELLS_BESIDE = 2
FINENESS = Fineness(last_order=3)


class Band(NamedTuple):
    """Chance's verdict on one curve of aligned noise, inside the shells by which it was aligned, or beyond."""

    where: str
    curve: str
    first_shell: int
    last_shell: int
    mean_fsc: float
    p_value: float


class AlignedNoise(NamedTuple):
    """Curves (n // 2 + 1,) by name, the last shell by which noise was aligned, and a finding for each curve and band."""

    curves: Mapping[str, Tensor]
    limit: int
    bands: list[Band]

    def passed(self, significance: float) -> bool:
        """Return whether beyond the shells of the alignment there is nothing but chance."""
        return all(band.p_value >= significance for band in self.bands if band.where == "beyond")


@torch.no_grad()
def aligned_noise(run: Run, reference: Tensor, known: Alignments, rows: Tensor, resolution_angstrom: float) -> AlignedNoise:
    """Align noise in place of particles (m,) with a map (n, n, n) at a resolution, and back-project it with the poses found.

    Amplitude and noise power are those of the particles. Both half sets are aligned with the same map: what they then agree on
    inside its resolution is the map's own, and a half-map FSC does not show that. Beyond it there must be nothing.

    Raises:
        ArgumentError: a resolution that leaves too few shells on either side.
    """
    n, size = known.box_size, known.pixel_size_angstrom
    limit = int(n * size / resolution_angstrom + 1e-6)
    if not 4 <= limit <= n // 2 - 4 - SHELLS_BESIDE:
        raise ArgumentError(
            f"align_noise_to_angstrom={resolution_angstrom:g} is shell {limit} of {n // 2}: too few are left on one side"
        )
    aligner = Aligner(in_sphere(reference), limit, "C1", FINENESS).to(run.device)
    some = rows[torch.linspace(0, len(rows) - 1, min(CALIBRATION_PARTICLES, len(rows))).round().long()]
    calibration = aligner.calibrate(_observed(aligner, known, run.source.images[some][:, 0].to(run.device), some))
    sums = [SliceAccumulator(n, 2).to(run.device) for _ in range(2)]
    for chunk in rows.split(run.chunk_size):
        numbers = run.particles[chunk]
        images = noise_like(run.source.images[chunk], numbers, run.seed, measured_share(run, numbers))
        _insert(sums, aligner, calibration, known, images[:, 0].to(run.device), chunk)
    halves = [half.volume(1.0).cpu() for half in sums]
    sums[0].add(sums[1])
    curves = {"half maps": fsc(halves[0], halves[1]), "to truth": fsc(sums[0].volume(1.0).cpu(), reference)}
    bands = []
    for curve, values in curves.items():
        inside, beyond = values[: limit + 2], limit + 1 + SHELLS_BESIDE
        bands.append(_band("inside", curve, inside, FIRST_SHELL))
        bands.append(_band("beyond", curve, values, beyond))
    return AlignedNoise(curves, limit, bands)


def _observed(aligner: Aligner, known: Alignments, images: Tensor, rows: Tensor) -> Observed:
    return aligner.disc.observed(known.restored(images, rows), known.ctf(rows, images.device), None)


def _insert(
    sums: list[SliceAccumulator], aligner: Aligner, calibration: Calibration, known: Alignments, images: Tensor, rows: Tensor
) -> None:
    found: Aligned = aligner(_observed(aligner, known, images, rows), calibration)
    origins = found.posterior.origins_pixels * known.pixel_size_angstrom
    terms = slices_through(known.optics, images, rows, origins.float(), None, known.pixel_size_angstrom)
    for number, half in enumerate(sums):
        chosen = known.half_set[rows] == number
        half.insert(Slices(terms.numerator[chosen], terms.weight[chosen]), found.posterior.rotations[chosen].float())


def _band(where: str, curve: str, values: Tensor, first: int) -> Band:
    test = chance_test(values, first)
    last = first + test.shells - 1
    return Band(where, curve, first, last, float(values[first : last + 1].mean()), test.p_value)


def noise_table(found: AlignedNoise, significance: float) -> str:
    """Return the findings as a Markdown table, with what they mean."""
    lines = ["| noise aligned to the reference | FSC | shells | mean | p | |", "| --- | --- | ---: | ---: | ---: | --- |"]
    for band in found.bands:
        chance = band.p_value >= significance
        verdict = ("chance" if chance else "invented") if band.where == "inside" else ("pass" if chance else "FAIL")
        shells = f"{band.first_shell}-{band.last_shell}"
        lines.append(f"| {band.where} | {band.curve} | {shells} | {band.mean_fsc:+.4f} | {band.p_value:.2g} | {verdict} |")
    lines += [
        "",
        f"White noise in place of each particle, its pose found by the reference up to shell {found.limit}. invented: more",
        f"than chance (p below {significance:g}) where nothing was put in; particles show something of their own only where",
        "their curves lie above these, or beyond. Half sets that are aligned with one map agree on it: half maps do not tell.",
        "FAIL: something is found beyond the shells that noise was aligned by.",
    ]
    return "\n".join(lines) + "\n"
