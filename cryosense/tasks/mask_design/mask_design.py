"""From an uncompressed pilot to masks for the whole data set: a configuration, a table, a figure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor

from cryosense.alignment.turning import Turns
from cryosense.files.tables import write_csv
from cryosense.files.writing import write_json_atomic, write_text
from cryosense.metrics import resolution_angstrom as resolution_of
from cryosense.metrics.shell_snr import ShellSnr
from cryosense.operators.masks import MaskError
from cryosense.operators.sampling_profile import Profile, ProfileDesign
from cryosense.runs.record import Kind
from cryosense.tasks.mask_design.alignment_floor import AlignmentFloor
from cryosense.tasks.mask_design.expected import expected_snr, particle_count
from cryosense.tasks.mask_design.pilots import Pilot
from cryosense.volumes.symmetry import point_group

THRESHOLD = 0.143
CONFIG = Path("operator") / "masks" / "designed.yaml"
DESIGN = Kind(results=(str(CONFIG), "profile.csv", "design.json", "design.png"), beside=("obtained.png",))


@dataclass(frozen=True)
class Designed:
    """Masks, a row of what is expected of them for each shell, and a summary."""

    profile: Profile
    table: pd.DataFrame
    summary: dict[str, object]

    def write(self, directory: Path) -> None:
        """Write ``operator/masks/designed.yaml``, ``profile.csv`` and ``design.json``."""
        write_masks_config(directory / CONFIG, self.profile)
        write_csv(directory / "profile.csv", self.table)
        write_json_atomic(directory / "design.json", self.summary)


@dataclass(frozen=True)
class MaskDesign:
    """What masks are designed from and for.

    Attributes:
        pilot: uncompressed particles of the data set, or of one like it.
        particles: number of particles in the data set that the masks are for; None for as many as ``ctf`` has.
        ctf, pilot_ctf: STAR files with the CTFs of the data set and of the pilot. If the first is given, s is smooth but for
            the mean CTF^2 of the particles; if both are, s is scaled from the one to the other. None if unknown.
        compression: degrees of freedom over those measured; or
        resolution_angstrom: what is to be resolved at the highest compression. One of the two, the other None.
        fsc_floor: half-map FSC that shells below the resolution keep at least, or all they have without masks.
        margin_shells: shells measured beyond the last that is wanted.
        alignment: what masks must leave for finding poses.
        confidence: standard deviations by which s is taken to be lower than estimated when it decides how little a shell can
            be left with, and higher when it decides how far the data may resolve; shells have this much room above the floor,
            too.

    Raises:
        MaskError: neither or both of the aims, a floor out of range, a negative confidence, or CTFs of the pilot alone.
    """

    pilot: Pilot
    particles: int | None
    ctf: str | None
    pilot_ctf: str | None
    compression: float | None
    resolution_angstrom: float | None
    fsc_floor: float
    margin_shells: int
    alignment: AlignmentFloor
    confidence: float

    def __post_init__(self) -> None:
        if (self.compression is None) == (self.resolution_angstrom is None):
            raise MaskError(
                "give compression=C (the most resolution at C) or resolution_angstrom=R (the highest C for R), one"
            )
        if not 0 < self.fsc_floor < 1 or self.confidence < 0:
            raise MaskError(f"fsc_floor={self.fsc_floor} must lie in (0, 1) and confidence={self.confidence} not be negative")
        if self.pilot_ctf is not None and self.ctf is None:
            raise MaskError("pilot_ctf scales the pilot to the CTFs of the data set: give those as ctf")

    def expected_snr(self) -> ShellSnr:
        """Return s(k) of the uncompressed half maps of the whole data set; see ``expected_snr``."""
        return expected_snr(self.pilot, self._count(), self.ctf, self.pilot_ctf)

    def _count(self) -> int:
        return particle_count(self.pilot, self.particles, self.ctf)

    def _slices(self) -> int:
        """Return how many slices particles are in the map: each is one for every operation of the symmetry imposed on it."""
        return self._count() * len(point_group(self.alignment.symmetry))

    @cached_property
    def turns(self) -> Turns | None:
        """What turns of the particle change; None if the pilot cannot tell."""
        return self.pilot.turns(self.alignment.symmetry)

    def solve(self, snr: ShellSnr) -> Profile:
        """Return the profile for these s(k). Raises MaskError if it cannot be had."""
        lower, upper = ((snr.log_snr + sign * self.confidence * snr.deviation).exp() for sign in (-1, 1))
        chance = self.pilot.curves[0].chance()
        least = self.alignment.least(lower, self._slices(), self.turns)
        made = ProfileDesign(lower, self.confidence * chance, self.margin_shells, least)
        reach = self._resolution(upper)
        if reach == float("inf"):
            raise MaskError(f"the data set is not expected to reach an FSC of {THRESHOLD} in any shell: nothing to design")
        if self.compression is not None:
            return made.for_compression(self.compression, fsc_floor=self.fsc_floor, last_shell=self._shell(reach))
        wanted = self.resolution_angstrom
        if wanted is None or not wanted >= reach:
            raise MaskError(f"resolution_angstrom={wanted}: even without masks the data are not expected to reach {reach:.2f}")
        return made.profile(self.fsc_floor, self._shell(wanted))

    def _resolution(self, snr: Tensor) -> float:
        return resolution_of(snr / (1 + snr), self.pilot.pixel_size_angstrom, self.pilot.box_size, THRESHOLD)

    def _shell(self, resolution_angstrom: float) -> int:
        """Return the last shell that this resolution needs, at least the first."""
        shells = self.pilot.box_size * self.pilot.pixel_size_angstrom / resolution_angstrom
        return max(1, min(int(shells + 1e-6), self.pilot.box_size // 2))

    def make(self) -> Designed:
        """Return the design. Raises ArgumentError for input that cannot be used."""
        snr = self.expected_snr()
        solved = self.solve(snr)
        return Designed(solved, self.table(snr, solved), self.summary(snr, solved))

    def table(self, snr: ShellSnr, solved: Profile) -> pd.DataFrame:
        """Return a row per shell: the pilot's FSC, log s and its deviation, p, and the FSC expected without and with masks."""
        n = self.pilot.box_size
        s, measured = snr.log_snr.exp(), solved.keep_probability * snr.log_snr.exp()
        columns = {
            "frequency_per_angstrom": torch.arange(n // 2 + 1) / (n * self.pilot.pixel_size_angstrom),
            "pilot_fsc": self.pilot.curves[0].fsc,
            "log_snr": snr.log_snr,
            "log_snr_deviation": snr.deviation,
            "keep_probability": solved.keep_probability,
            "expected_uncompressed": s / (1 + s),
            "expected": measured / (1 + measured),
        }
        return pd.DataFrame({"shell": range(n // 2 + 1), **{name: values.numpy() for name, values in columns.items()}})

    def summary(self, snr: ShellSnr, solved: Profile) -> dict[str, object]:
        """Return compression, last shell, and what is expected at 0.143; None for a resolution that does not exist."""
        s = snr.log_snr.exp()
        expected, uncompressed = self._resolution(solved.keep_probability * s), self._resolution(s)
        return {
            "compression": solved.compression,
            "last_shell": solved.last_shell,
            "margin_shells": self.margin_shells,
            "fsc_floor": self.fsc_floor,
            "fsc_of_lower_shells": solved.fsc,
            **self.alignment.summary(s, solved.keep_probability, self._slices(), self.turns),
            "warning": self.pilot.extrapolation_warning(solved.last_shell),
            "expected_resolution_angstrom": expected if math.isfinite(expected) else None,
            "expected_uncompressed_resolution_angstrom": uncompressed if math.isfinite(uncompressed) else None,
        }


def write_masks_config(path: Path, solved: Profile) -> None:
    """Write the configuration option of these masks, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    numbers = ", ".join(f"{value:.6f}" for value in solved.keep_probability.tolist())
    text = (
        f"# Designed for compression={solved.compression:.6g}, one mask for each particle. The command's compression is the "
        "budget.\n"
        "_target_: cryosense.operators.masks.variable_density\n"
        "_partial_: true\n"
        f"keep_probability_per_shell: [{numbers}]\n"
    )
    write_text(path, text)
