"""Particles of many molecules under many conditions, drawn anew for each micrograph."""

from __future__ import annotations

import math
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from functools import cached_property

import pandas as pd
import torch
from torch import Tensor

from cryosense import fourier
from cryosense.errors import ArgumentError
from cryosense.volumes import poses
from cryosense.volumes.ctf import ctf_half_plane
from cryosense.volumes.project import Projector

from .density import AtomicDensity
from .draws import Purpose, normals, uniforms
from .micrographs import Micrograph, by_micrograph, expected_variance
from .microscope import Microscope
from .noise import NoiseModel, PowerLawRange
from .particles import ParticleChunk, ParticleTruth
from .ranges import Range, at, ends
from .surroundings import NEAREST_DIAMETERS, Surroundings, ice, neighbour_images, neighbours


@dataclass(frozen=True)
class VariedSimulator:
    """A data set of unlimited length: particle i is determined by the configuration, the seed and i.

    For each micrograph are drawn: the molecule, ``fill`` (its diameter over the box's side, from which the pixel size follows,
    held in ``pixel_size_angstrom``), ``snr`` (evenly in its logarithm), the noise's spectrum, B factor and defocus, and what
    surrounds the particles. ``snr`` is as in ``ParticleSimulator`` but of each micrograph's own molecule, in expectation over
    poses. The noise has standard deviation 1; clean images hold the particle alone.

    Raises:
        ArgumentError: a key out of range, named in the message.
    """

    density: AtomicDensity
    microscope: Microscope
    noise_model: NoiseModel | PowerLawRange
    box_size: int = 64
    pixel_size_angstrom: Range = (2.0, 8.0)
    shift_deviation_angstrom: float = 5.0
    snr: Range = (0.02, 1.0)
    seed: int = 0
    pad_factor: int = 2
    fill: Range = (0.2, 0.8)
    surroundings: Surroundings = dataclass_field(default_factory=Surroundings)

    def __post_init__(self) -> None:
        if not hasattr(self.density, "atoms_of"):
            kind = type(self.density).__name__
            raise ArgumentError(f"density is {kind}: choose one made of atoms, built-in, of models or of the library")
        lowest = {name: ends(getattr(self, name), name)[0] for name in ("pixel_size_angstrom", "snr", "fill")}
        checks = {
            "box_size must be even and at least 16": self.box_size >= 16 and self.box_size % 2 == 0,
            **{f"{name} must be positive": low > 0 for name, low in lowest.items()},
            "fill must be at most 0.9": ends(self.fill, "fill")[1] <= 0.9,
            "shift_deviation_angstrom must not be negative": self.shift_deviation_angstrom >= 0,
            "seed must not be negative": self.seed >= 0,
            "pad_factor must be at least 1": self.pad_factor >= 1,
        }
        needed = self.density.largest_angstrom + 2 * self.density.resolution_angstrom
        widest = self.box_size * ends(self.pixel_size_angstrom, "pixel_size_angstrom")[1]
        for rule, held in checks.items():
            if not held:
                raise ArgumentError(f"{rule}, not {getattr(self, rule.split()[0])}")
        if needed > widest:
            raise ArgumentError(
                f"pixel_size_angstrom is {self.pixel_size_angstrom}: the largest molecule needs a box of {needed:.0f} A, "
                f"{self.box_size} px are at most {widest:.0f} A: make box_size or pixel_size_angstrom larger"
            )

    def micrograph(self, number: int) -> Micrograph:
        """Return what is drawn for a micrograph."""
        if number not in self._micrographs:
            self._micrographs[number] = self._drawn(number)
        return self._micrographs[number]

    @cached_property
    def _micrographs(self) -> dict[int, Micrograph]:
        return {}

    def _drawn(self, number: int) -> Micrograph:
        drawn = uniforms(self.seed, Purpose.CONDITIONS, [number], 8)[0]
        state = int(drawn[0] * self.density.state_count)
        diameter = 2 * float(self.density.atoms_of(state).positions_angstrom.norm(dim=1).max())
        return Micrograph(
            number=number,
            state=state,
            pixel_size_angstrom=self._pixel_size(diameter, drawn[1]),
            diameter_angstrom=diameter,
            snr=float(at(self.snr, drawn[2], logarithmic=True)),
            neighbours_sought=float(at(self.surroundings.neighbours, drawn[3])),
            ice_gradient=float(at(self.surroundings.ice_gradient, drawn[4])),
            noise_model=self._noise_model(drawn[5:7]),
        )

    def _pixel_size(self, diameter: float, drawn: Tensor) -> float:
        """Return the pixel size, in steps of 1e-4 A, for a uniform number: even in its logarithm as far as ranges allow."""
        least, most = (diameter / (each * self.box_size) for each in ends(self.fill, "fill")[::-1])
        low, high = ends(self.pixel_size_angstrom, "pixel_size_angstrom")
        least = max(least, (diameter + 2 * self.density.resolution_angstrom) / self.box_size)
        between = sorted(min(max(each, low), high) for each in (least, most))
        return min(math.ceil(1e4 * float(at(between, drawn, logarithmic=True))) / 1e4, high)

    def truth(self, particles: range) -> ParticleTruth:
        """Return poses, states and CTF of b particles, drawn without making images."""
        quaternions = normals(self.seed, Purpose.POSE, particles, (4,)).double()
        states = [self.micrograph(number).state for number in self.microscope.micrographs(particles)]
        return ParticleTruth(
            particles=particles,
            states=torch.tensor(states),
            angles_deg=poses.euler_angles(poses.quaternion_rotations(quaternions)),
            origins_angstrom=normals(self.seed, Purpose.SHIFT, particles, (2,)).double() * self.shift_deviation_angstrom,
            ctf=self.microscope.ctf_parameters(self.seed, particles),
        )

    def chunk(self, particles: range) -> ParticleChunk:
        """Return the images of b particles; each is the same, up to float32 rounding, whatever others are made with it."""
        parts = [self._of_one(number, part) for number, part in by_micrograph(particles, self.microscope)]
        noisy, clean = (torch.cat(images)[:, None] for images in zip(*parts, strict=True))
        return ParticleChunk(noisy, clean, self.truth(particles))

    def labels(self, truth: ParticleTruth) -> pd.DataFrame:
        """Return what is known of each particle: its molecule's state and description, its micrograph's conditions."""
        numbers = self.microscope.micrographs(truth.particles)
        known = {number: self._label(self.micrograph(number)) for number in dict.fromkeys(numbers)}
        return pd.DataFrame([known[number] for number in numbers])

    def group_pixel_sizes_angstrom(self, count: int) -> list[float]:
        """Return the pixel sizes of the optics groups of the first ``count`` particles: one for each micrograph."""
        return [
            self.micrograph(number).pixel_size_angstrom for number in range(self.microscope.micrographs(range(count))[-1] + 1)
        ]

    def _noise_model(self, drawn: Tensor) -> NoiseModel:
        return self.noise_model.drawn(drawn) if isinstance(self.noise_model, PowerLawRange) else self.noise_model

    @cached_property
    def volumes(self) -> Tensor:
        """Return no densities, (0, n, n, n): there is one for each molecule and pixel size."""
        return torch.zeros(0, self.box_size, self.box_size, self.box_size)

    def _label(self, micrograph: Micrograph) -> dict[str, object]:
        conditions = {
            "pixel_size_angstrom": micrograph.pixel_size_angstrom,
            "snr": micrograph.snr,
            "neighbours_sought": micrograph.neighbours_sought,
            "ice_gradient": micrograph.ice_gradient,
            "noise": repr(micrograph.noise_model),
        }
        return {"state": micrograph.state, **self.density.described(micrograph.state), **conditions}

    def _of_one(self, number: int, particles: range) -> tuple[Tensor, Tensor]:
        """Return images with noise and surroundings, and without, both (b, n, n), of particles of one micrograph."""
        seen, ctf = self.micrograph(number), self.microscope.ctf_parameters(self.seed, particles)
        pixel, n = seen.pixel_size_angstrom, self.box_size
        projector, scale = self._projector_of(seen)
        truth = self.truth(particles)
        spectra = projector(poses.rotation_matrices(truth.angles_deg).float(), torch.zeros(len(particles), dtype=torch.int64))
        spectra *= ctf_half_plane(ctf, n, pixel) * poses.origin_phases(truth.origins_angstrom.float(), n, pixel)
        clean = scale * fourier.from_half_plane(spectra, n)
        field_angstrom = n * pixel / 2 + seen.diameter_angstrom / 2
        found = neighbours(
            self.seed, particles, seen.neighbours_sought, field_angstrom, NEAREST_DIAMETERS * seen.diameter_angstrom
        )
        around = scale * neighbour_images(projector, found, ctf, pixel, len(particles))
        noise = seen.noise_model.colour(normals(self.seed, Purpose.NOISE, particles, (n, n)), pixel)
        return clean + around + noise + ice(self.seed, particles, seen.ice_gradient, n), clean

    def _projector_of(self, seen: Micrograph) -> tuple[Projector, float]:
        """Return the molecule at the micrograph's pixel size, and the factor that gives it its SNR; the last is kept."""
        if seen.number not in self._kept:
            self._kept.clear()
            atoms = self.density.atoms_of(seen.state)
            volume = atoms.render(self.box_size, seen.pixel_size_angstrom, self.density.resolution_angstrom)
            size = self.microscope.particles_per_micrograph
            ctf = self.microscope.ctf_parameters(self.seed, range(seen.number * size, (seen.number + 1) * size))
            variance = expected_variance(volume, ctf, seen.pixel_size_angstrom)
            self._kept[seen.number] = Projector(volume[None], self.pad_factor), (seen.snr / variance) ** 0.5
        return self._kept[seen.number]

    @cached_property
    def _kept(self) -> dict[int, tuple[Projector, float]]:
        return {}
