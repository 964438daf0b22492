"""What there is to say about the resolution of half maps, and against what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
from torch import Tensor

from cryosense.metrics import HalfMapCurves, fsc, half_map_curves, resolution_angstrom
from cryosense.runs.processes import give_memory_back
from cryosense.tasks.maps.anisotropy import THRESHOLD, Anisotropy, Cones
from cryosense.tasks.maps.fsc_files import fsc_table, resolution_table
from cryosense.tasks.maps.half_sums import HalfSums
from cryosense.tasks.maps.references import AtomicModel, UncompressedRun, read_map
from cryosense.tasks.maps.uncertainty import Bootstrap
from cryosense.volumes.backproject import SliceAccumulator


@dataclass(frozen=True)
class Reconstruction:
    """Half maps and full map (n, n, n) from half sums, the viewing directions (v, 3), and the digest of the half sets."""

    sums: HalfSums
    regularisation: float
    halves: tuple[Tensor, Tensor]
    full_map: Tensor
    pixel_size_angstrom: float
    views: Tensor
    half_sets: str

    @classmethod
    def of(
        cls, sums: HalfSums, regularisation: float, pixel_size_angstrom: float, views: Tensor, half_sets: str
    ) -> Reconstruction:
        """Divide the sums, and give up those of the half sets. See ``SliceAccumulator.volume`` for the regularisation."""
        halves = (_made_of(sums.of_half(0), regularisation), _made_of(sums.of_half(1), regularisation))
        full_map = _made_of(sums.into_full(), regularisation)
        return cls(sums, regularisation, halves, full_map, pixel_size_angstrom, views, half_sets)


def _made_of(sums: SliceAccumulator, regularisation: float) -> Tensor:
    """Return the map of these sums on the CPU, in memory that what was done before has given back: here most is needed."""
    give_memory_back()
    return sums.volume(regularisation).cpu()


@dataclass(frozen=True)
class Findings:
    """Mask (n, n, n), curves and resolutions as tables, anisotropy, equivalent particles if an uncompressed run is known."""

    mask: Tensor
    curves: HalfMapCurves
    table: pd.DataFrame
    resolutions: pd.DataFrame
    anisotropy: Anisotropy
    equivalent_particles: dict[str, float | None] | None


@dataclass(frozen=True)
class Assessment:
    """How half maps are judged.

    Attributes:
        soft_mask: makes the mask from the full map and ``pixel_size_angstrom``.
        randomise_below, seed: see ``cryosense.metrics.half_map_curves``.
        bootstrap: intervals.
        cones: resolution by direction.
        reference: a map of the same box and pixel size with which the full map is compared; None if none is known.
        model, model_centre_angstrom: see ``AtomicModel``; None without one.
        cross_reference: directory of an ``UncompressedRun``; None without one.
    """

    soft_mask: Callable[[Tensor, float], Tensor]
    randomise_below: float
    seed: int
    bootstrap: Bootstrap
    cones: Cones
    reference: str | None
    model: str | None
    model_centre_angstrom: list[float] | None
    cross_reference: str | None

    def check(self, box_size: int, pixel_size_angstrom: float, half_set: Tensor, half_sets: str) -> None:
        """Raise ParticleDataError if what the maps are to be compared with cannot be used.

        ``half_set`` (n,) is that of each particle, ``half_sets`` its digest.
        """
        self.bootstrap.check(half_set)
        self._known_maps(box_size, pixel_size_angstrom)
        if self.cross_reference is not None:
            UncompressedRun(self.cross_reference).halves(box_size, pixel_size_angstrom, half_sets)

    def judge(self, made: Reconstruction) -> Findings:
        """Return everything that is found. Raises as ``check`` does."""
        n, pixel_size = made.full_map.shape[-1], made.pixel_size_angstrom
        mask = self.soft_mask(made.full_map, pixel_size)
        curves = half_map_curves(*made.halves, mask, randomise_below=self.randomise_below, seed=self.seed)
        others = {name: fsc(made.full_map, known) for name, known in self._known_maps(n, pixel_size).items()}
        worth = None
        if self.cross_reference is not None:
            crossed, worth = UncompressedRun(self.cross_reference).compare(made.halves, pixel_size, made.half_sets)
            others |= crossed
        final = resolution_angstrom(curves.corrected, pixel_size, n, THRESHOLD)
        half1, half2 = (half * mask.to(half.dtype) for half in made.halves)
        anisotropy = self.cones.assess(half1, half2, made.views, final, pixel_size)
        draws = self.bootstrap.draw(made.sums, made.regularisation, made.halves, mask, curves)
        others |= anisotropy.columns() | self.bootstrap.bands(draws)
        table = fsc_table(curves, others, n, pixel_size)
        resolutions = self.bootstrap.resolutions(draws, resolution_table(table, n, pixel_size), n, pixel_size)
        return Findings(mask, curves, table, resolutions, anisotropy, worth)

    def _known_maps(self, box_size: int, pixel_size_angstrom: float) -> dict[str, Tensor]:
        """Return maps (n, n, n) by the name of the full map's FSC to them. Raises as ``check`` does."""
        known = {}
        if self.reference is not None:
            known["to_reference"] = read_map(self.reference, "reference", box_size, pixel_size_angstrom)
        if self.model is not None:
            known["to_model"] = AtomicModel(self.model, self.model_centre_angstrom).density(box_size, pixel_size_angstrom)
        return known
