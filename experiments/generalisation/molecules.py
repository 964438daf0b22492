"""The particles of the study: one molecule of each fold, and the built-in one, noise at several strengths."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from cryosense.simulation.builtin import HingedChain
from cryosense.simulation.density import Density
from cryosense.simulation.files import MapDensity
from cryosense.simulation.library.density import MoleculeLibrary
from cryosense.simulation.library.listing import listed
from cryosense.simulation.microscope import Microscope
from cryosense.simulation.noise import PowerLawNoise, WhiteNoise
from cryosense.simulation.particles import ParticleSimulator
from cryosense.volumes.ctf import ctf_half_plane

BUILT_IN, GROEL = "built-in", "GroEL"  # GroEL is of no list and no package
GROEL_MAP = "real/emd_1997_groel.map"  # in the reference data, if they are there
GROEL_ANGSTROM = 191.0  # diameter of its atomic model, two rings of 1OEL
PIXEL_ANGSTROM = 3.5  # of those two; GroEL has 0.85 of the box
BUILT_IN_SEED = 3000
PIXELS_ANGSTROM = (2.0, 8.0)
COLOUR = PowerLawNoise(corner_angstrom=30.0, exponent=1.0)


@dataclass(frozen=True, eq=False)
class Particles:
    """Images as they are recorded and clean ones, (b, 1, n, n), and their CTFs, (b, 1, n, n // 2 + 1)."""

    images: Tensor
    clean: Tensor
    ctf: Tensor

    def part(self, chosen: slice) -> Particles:
        return Particles(self.images[chosen], self.clean[chosen], self.ctf[chosen])


@dataclass(frozen=True)
class Molecule:
    """A molecule of the study, its fold and form, and the pixel size at which it is seen."""

    name: str
    fold: str
    form: str
    density: Density
    pixel_angstrom: float
    diameter_angstrom: float
    seed: int

    def particles(self, count: int, snr: float, *, coloured: bool, box_size: int) -> Particles:
        """-> the same poses and CTFs at every SNR."""
        simulator = ParticleSimulator(
            density=self.density,
            microscope=Microscope(particles_per_micrograph=8),
            noise_model=COLOUR if coloured else WhiteNoise(),
            box_size=box_size,
            pixel_size_angstrom=self.pixel_angstrom,
            snr=1.0,
            seed=self.seed,
        )
        made = self._made(simulator, count)
        ctf = ctf_half_plane(made.truth.ctf, box_size, self.pixel_angstrom)[:, None].float()
        return Particles(snr**0.5 * made.clean + made.noisy - made.clean, snr**0.5 * made.clean, ctf)

    def _made(self, simulator: ParticleSimulator, count: int) -> Any:
        key = repr(simulator.noise_model), count
        if key not in self._known:
            self._known[key] = simulator.chunk(range(count))
        return self._known[key]

    @cached_property
    def _known(self) -> dict[tuple[str, int], Any]:
        return {}


def molecules(study: Any) -> Iterator[Molecule]:
    """-> the built-in molecule, the first listed chain of each fold in a form that is drawn, and GroEL where its map is."""
    for number, name in enumerate([BUILT_IN, *_first_of_folds(study.split), GROEL]):
        if study.only and name not in study.only:
            continue
        seed = study.seed + number
        if name == BUILT_IN:
            density = HingedChain()
            diameter = 2 * float(density.atoms_of(0).positions_angstrom.norm(dim=1).max())
            yield Molecule(name, name, name, density, PIXEL_ANGSTROM, diameter, BUILT_IN_SEED)
        elif name == GROEL:
            if groel_map().is_file():
                yield Molecule(name, name, "map", MapDensity(str(groel_map())), PIXEL_ANGSTROM, GROEL_ANGSTROM, seed)
        else:
            library = MoleculeLibrary(names=[name], molecules=1, forms=study.forms, seed=seed)
            made = library.molecule(0)
            pixel = pixel_at(study.fill, made.diameter_angstrom, study.box_size)
            yield Molecule(name, made.fold, made.form, library, pixel, made.diameter_angstrom, seed)


def groel_map() -> Path:
    """-> where the map of GroEL is, if it is there."""
    return Path(os.environ.get("CRYOSENSE_REFERENCE_DATA", "../shared/data")) / GROEL_MAP


def pixel_at(fill: float, diameter_angstrom: float, box_size: int) -> float:
    """-> the pixel size at which a molecule has that share of the box's side, as far as pixel sizes go."""
    wanted = diameter_angstrom / (fill * box_size)
    return round(min(max(wanted, PIXELS_ANGSTROM[0]), PIXELS_ANGSTROM[1]), 4)


def _first_of_folds(split: str) -> list[str]:
    first: dict[str, str] = {}
    for row in listed(split):
        first.setdefault(row.fold, row.name)
    return list(first.values())


def half_and_half(particles: Particles, held_back: int) -> tuple[Particles, Particles]:
    """-> those that rivals learn from, and those that are scored."""
    return particles.part(slice(0, held_back)), particles.part(slice(held_back, None))


def stacked_scale(images: Tensor) -> tuple[float, float]:
    """-> what is taken off and divided by, as scaling=stack has it."""
    return float(images.mean()), 4 * float(images.double().std())


def scaled(particles: Particles, offset: float, gain: float) -> Particles:
    return Particles((particles.images - offset) / gain, (particles.clean - offset) / gain, particles.ctf)


def seeds_of(molecule: Molecule, snr: float, coloured: bool) -> int:
    """-> a seed of masks: another for each cell, the same for all methods."""
    drawn = torch.Generator().manual_seed(molecule.seed * 1000 + round(snr * 100) * 2 + coloured)
    return int(torch.randint(2**31, (1,), generator=drawn))
