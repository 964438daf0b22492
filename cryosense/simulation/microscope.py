"""The microscope: what is the same for a whole data set, and the defocus of each particle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from cryosense.errors import ArgumentError
from cryosense.volumes.ctf import CtfParameters

from .draws import Purpose, normals, uniforms
from .ranges import Range, at, ends, is_drawn


@dataclass(frozen=True)
class Microscope:
    """Optics of one data set. Particles come in micrographs of ``particles_per_micrograph``, in order.

    A micrograph's mean defocus is uniform over ``defocus_range_angstrom``, its astigmatism (U - V) uniform up to
    ``astigmatism_angstrom`` in a uniform direction; a particle's height in the ice adds a normal deviate of
    ``height_deviation_angstrom``. A B factor of [low, high] is uniform over micrographs.

    Raises:
        ArgumentError: a value that no microscope has; the message names the key.
    """

    voltage_kv: float = 300.0
    spherical_aberration_mm: float = 2.7
    amplitude_contrast: float = 0.1
    phase_shift_deg: float = 0.0
    b_factor_angstrom2: Range = 80.0
    defocus_range_angstrom: Sequence[float] = (8000.0, 20000.0)
    astigmatism_angstrom: float = 300.0
    height_deviation_angstrom: float = 200.0
    particles_per_micrograph: int = 50

    def __post_init__(self) -> None:
        low, high = self.defocus_range_angstrom
        ends(self.b_factor_angstrom2, "b_factor_angstrom2")
        checks = {
            "voltage_kv must be positive": self.voltage_kv > 0,
            "amplitude_contrast must lie in [0, 1)": 0 <= self.amplitude_contrast < 1,
            "defocus_range_angstrom must be [low, high]": low <= high,
            "astigmatism_angstrom must not be negative": self.astigmatism_angstrom >= 0,
            "height_deviation_angstrom must not be negative": self.height_deviation_angstrom >= 0,
            "particles_per_micrograph must be at least 1": self.particles_per_micrograph >= 1,
        }
        for rule, held in checks.items():
            if not held:
                raise ArgumentError(f"microscope.{rule}")

    def micrographs(self, particles: range) -> list[int]:
        """Return the index of the micrograph that each particle lies in."""
        return [particle // self.particles_per_micrograph for particle in particles]

    def ctf_parameters(self, seed: int, particles: range) -> CtfParameters:
        """Return the CTF parameters of b particles, fixed by the seed and each particle's index."""
        drawn = uniforms(seed, Purpose.MICROGRAPH, self.micrographs(particles), 3)
        height = normals(seed, Purpose.HEIGHT, particles, (1,))[:, 0].double() * self.height_deviation_angstrom
        low, high = self.defocus_range_angstrom
        mean = low + (high - low) * drawn[:, 0] + height
        half_difference = self.astigmatism_angstrom / 2 * drawn[:, 1]
        return CtfParameters(
            defocus_u_angstrom=(mean + half_difference).float(),
            defocus_v_angstrom=(mean - half_difference).float(),
            defocus_angle_deg=(180 * drawn[:, 2]).float(),
            voltage_kv=self.voltage_kv,
            spherical_aberration_mm=self.spherical_aberration_mm,
            amplitude_contrast=self.amplitude_contrast,
            phase_shift_deg=self.phase_shift_deg,
            b_factor_angstrom2=self._b_factors(seed, particles),
        )

    def _b_factors(self, seed: int, particles: range) -> float | Tensor:
        """Return the B factor of all particles, or those of their micrographs, (b,)."""
        if not is_drawn(self.b_factor_angstrom2):
            return ends(self.b_factor_angstrom2, "b_factor_angstrom2")[0]
        drawn = uniforms(seed, Purpose.B_FACTOR, self.micrographs(particles), 1)[:, 0]
        return at(self.b_factor_angstrom2, drawn).float()
