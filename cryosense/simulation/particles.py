"""From density to particle images: pose, projection, CTF, shift, noise; any range of particles, always the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import pandas as pd
from torch import Tensor

from cryosense import fourier
from cryosense.errors import ArgumentError
from cryosense.volumes import poses
from cryosense.volumes.ctf import CtfParameters, ctf_half_plane
from cryosense.volumes.project import Projector

from .density import Density
from .draws import Purpose, normals, uniforms
from .microscope import Microscope
from .noise import NoiseModel, PowerLawRange

CALIBRATION_PARTICLES = 256
CALIBRATION_CHUNK = 64


@dataclass(frozen=True)
class ParticleTruth:
    """What is known of b particles: index range, states (b,), Euler angles (b, 3), origins (b, 2), CTF."""

    particles: range
    states: Tensor
    angles_deg: Tensor
    origins_angstrom: Tensor
    ctf: CtfParameters


@dataclass(frozen=True)
class ParticleChunk:
    """Images of b particles with noise and without, both (b, 1, n, n) float32, and their ground truth."""

    noisy: Tensor
    clean: Tensor
    truth: ParticleTruth


@dataclass(frozen=True)
class ParticleSimulator:
    """A data set of unlimited length: particle i is determined by the configuration, the seed and i.

    ``snr`` is the variance of the CTF-modulated signal, over the pixels of whole images, over the noise's variance per pixel.
    The signal's variance is measured once, over particles 0 to 255, and densities are scaled by it so that the noise has
    standard deviation 1: images come as RELION normalises them, protein bright on dark. Poses are uniform over SO(3), states
    uniform, origins normal with ``shift_deviation_angstrom`` along x and y.

    Raises:
        ArgumentError: a key out of range, named in the message.
    """

    density: Density
    microscope: Microscope
    noise_model: NoiseModel
    box_size: int = 64
    pixel_size_angstrom: float = 3.5
    shift_deviation_angstrom: float = 5.0
    snr: float = 0.2
    seed: int = 0
    pad_factor: int = 2

    def __post_init__(self) -> None:
        checks = {
            "box_size must be even and at least 16": self.box_size >= 16 and self.box_size % 2 == 0,
            "pixel_size_angstrom must be positive": self.pixel_size_angstrom > 0,
            "shift_deviation_angstrom must not be negative": self.shift_deviation_angstrom >= 0,
            "snr must be positive": self.snr > 0,
            "seed must not be negative": self.seed >= 0,
            "pad_factor must be at least 1": self.pad_factor >= 1,
        }
        for rule, held in checks.items():
            if not held:
                raise ArgumentError(f"{rule}, not {getattr(self, rule.split()[0])}")
        if isinstance(self.noise_model, PowerLawRange):
            raise ArgumentError("noise_model is drawn for each micrograph, which needs the simulator that varies conditions")

    @cached_property
    def volumes(self) -> Tensor:
        """Densities on the scale of the images, (states, n, n, n); their projections, with CTF, are the clean images."""
        return self._unscaled_volumes * self._scale

    @cached_property
    def _unscaled_volumes(self) -> Tensor:
        return self.density.volumes(self.box_size, self.pixel_size_angstrom)

    @cached_property
    def _projector(self) -> Projector:
        return Projector(self._unscaled_volumes, self.pad_factor)

    @cached_property
    def _scale(self) -> float:
        """Factor on the densities: the root of SNR over the signal's variance."""
        total, squares, count = 0.0, 0.0, 0
        for start in range(0, CALIBRATION_PARTICLES, CALIBRATION_CHUNK):
            images = self._signal(self.truth(range(start, start + CALIBRATION_CHUNK))).double()
            total, squares, count = total + float(images.sum()), squares + float((images**2).sum()), count + images.numel()
        variance = squares / count - (total / count) ** 2
        if variance <= 0:
            raise ArgumentError("the density is empty: nothing is seen in its projections (is threshold too high?)")
        return float((self.snr / variance) ** 0.5)

    def truth(self, particles: range) -> ParticleTruth:
        """Return poses, states and CTF of b particles, drawn without making images."""
        quaternions = normals(self.seed, Purpose.POSE, particles, (4,)).double()
        states = (uniforms(self.seed, Purpose.STATE, particles, 1)[:, 0] * len(self._states)).long()
        return ParticleTruth(
            particles=particles,
            states=states,
            angles_deg=poses.euler_angles(poses.quaternion_rotations(quaternions)),
            origins_angstrom=normals(self.seed, Purpose.SHIFT, particles, (2,)).double() * self.shift_deviation_angstrom,
            ctf=self.microscope.ctf_parameters(self.seed, particles),
        )

    def chunk(self, particles: range) -> ParticleChunk:
        """Return the images of b particles; each is the same, up to float32 rounding, whatever others are made with it."""
        truth = self.truth(particles)
        clean = self._signal(truth) * self._scale
        white = normals(self.seed, Purpose.NOISE, particles, (self.box_size, self.box_size))
        noise = self.noise_model.colour(white, self.pixel_size_angstrom)
        return ParticleChunk((clean + noise)[:, None], clean[:, None], truth)

    def labels(self, truth: ParticleTruth) -> pd.DataFrame:
        """Return what is known of each of b particles: ``state``, and what distinguishes it."""
        states = truth.states.numpy()
        known = self._states.loc[states].reset_index(drop=True)
        return pd.concat([pd.DataFrame({"state": states}), known], axis=1)

    def group_pixel_sizes_angstrom(self, count: int) -> list[float]:
        """Return the pixel size of the one optics group of the first ``count`` particles."""
        return [self.pixel_size_angstrom]

    @cached_property
    def _states(self) -> pd.DataFrame:
        return self.density.states()

    def stream(self, particles: range, chunk_size: int) -> Iterator[ParticleChunk]:
        """Yield chunks of at most ``chunk_size`` particles, in order; memory does not grow with the range."""
        for start in range(particles.start, particles.stop, chunk_size):
            yield self.chunk(range(start, min(start + chunk_size, particles.stop)))

    def _signal(self, truth: ParticleTruth) -> Tensor:
        """Return images (b, n, n), projected, modulated and shifted, on the scale of the density."""
        rotations = poses.rotation_matrices(truth.angles_deg).float()
        spectra = self._projector(rotations, truth.states)
        spectra *= ctf_half_plane(truth.ctf, self.box_size, self.pixel_size_angstrom)
        spectra *= poses.origin_phases(truth.origins_angstrom.float(), self.box_size, self.pixel_size_angstrom)
        return fourier.from_half_plane(spectra, self.box_size)
