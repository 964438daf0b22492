"""What half maps of a sample say of the whole data set: signal-to-noise by shell, in a map and in one particle."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Self

import torch
from torch import Tensor

from cryosense.fourier import power_spectrum
from cryosense.metrics import HalfMapCurves, resolution_angstrom
from cryosense.metrics.shell_snr import ObservedCurve, ShellSnr, fit_shell_snr, independent_fraction

THRESHOLD = 0.143
MARGIN = 1  # shells measured beyond the last that is resolved: the outermost loses more than others


@dataclass(frozen=True)
class ImagePower:
    """Of particle images.

    Attributes:
        power: (n // 2 + 1,) mean squared size of the coefficients of each shell.
        pixel_variance: of all pixels, in the same units.
    """

    power: Tensor
    pixel_variance: float

    @classmethod
    def of(cls, images: Tensor) -> Self:
        """From (b, 1, n, n): theirs."""
        x = images[:, 0].double()
        return cls(power_spectrum(x).mean(0), float(x.var()))


@dataclass(frozen=True)
class Signal:
    """Signal of ``particles`` particles.

    Attributes:
        snr: of their half maps without a mask, s = FSC / (1 - FSC), and how well it is known.
        mask_gain: what s is multiplied by under the mask, which takes away noise and leaves the signal.
        particles: how many they are.
        views: rotations of the point group, as each of which a particle counts.
        pixel_size_angstrom: of the map.
        images: signal and noise of particles, together; None where none were looked at: pixels are then not predicted.
        ctf: (n // 2 + 1, m) values that stand for those of the CTFs in each shell.
    """

    snr: ShellSnr
    mask_gain: float
    particles: int
    views: int
    pixel_size_angstrom: float
    images: ImagePower | None
    ctf: Tensor

    @classmethod
    def of(cls, curves: HalfMapCurves, mask: Tensor, ctf: Tensor, **known: Any) -> Self:
        """Find it in the curves of a sample.

        Args:
            ctf: see above; ones where there is none.
            known: the attributes that are not in the curves.

        Raises:
            ArgumentError: the curves are within chance.
        """
        unmasked = ObservedCurve(_below_one(curves.unmasked), 1.0)
        masked = ObservedCurve(_below_one(curves.corrected), independent_fraction(mask))
        power = (ctf.double() ** 2).mean(1).clamp_min(1e-6)
        found = fit_shell_snr([unmasked, masked], modulation=power)
        under_mask = fit_shell_snr([masked, unmasked], modulation=power)
        gain = float((under_mask.log_snr - found.log_snr)[1:].mean().exp())
        return cls(found, max(gain, 1.0), ctf=ctf, **known)

    @property
    def box_size(self) -> int:
        """n, in pixels."""
        return 2 * (len(self.snr.log_snr) - 1)

    @property
    def map_snr(self) -> Tensor:
        """Return, (n // 2 + 1,), s of half maps without a mask."""
        return self.snr.log_snr.exp()

    @property
    def particle_snr(self) -> Tensor:
        """Return, (n // 2 + 1,), signal over noise power in one image, its CTF in it; 0 in shell 0, of which nothing is known.

        Of N / 2 images and g views of each, with 2 pi k coefficients in shell k, a point of the map's 4 pi k^2 gets N g / 4 k.
        """
        shells = torch.arange(len(self.map_snr), dtype=torch.float64)
        return 4 * shells * self.map_snr / (self.particles * self.views)

    @property
    def seen(self) -> Tensor:
        """Return, (n // 2 + 1,), particles of a half set whose slice passes a coefficient of the map, at least one."""
        shells = torch.arange(len(self.map_snr), dtype=torch.float64).clamp_min(1)
        return (self.particles * self.views / (4 * shells)).clamp_min(1)

    def of_particles(self, count: int) -> Signal:
        """Return the same of so many particles like these: s grows in proportion."""
        more = ShellSnr(self.snr.log_snr + math.log(count / self.particles), self.snr.deviation)
        return replace(self, snr=more, particles=count)

    def curve(self, share: Tensor | float = 1.0, *, masked: bool = False) -> Tensor:
        """Return, (n // 2 + 1,), half-map FSC that is expected where so large a ``share`` of s is left; 1 in shell 0."""
        s = self.map_snr * share * (self.mask_gain if masked else 1.0)
        curve = s / (1 + s)
        curve[0] = 1
        return curve

    def resolution(self, share: Tensor | float = 1.0, *, masked: bool) -> float:
        """Return where that falls below 0.143, in Angstrom; infinity where it is never above."""
        return resolution_angstrom(self.curve(share, masked=masked), self.pixel_size_angstrom, self.box_size, THRESHOLD)

    def last_shell(self, *, masked: bool, deviations: float = 0.0) -> int:
        """Return the last shell before the FSC first falls below 0.143, s taken to be so many deviations higher; 0: none."""
        higher = (deviations * self.snr.deviation).exp()
        below = (self.curve(higher, masked=masked)[1:] < THRESHOLD).nonzero()[:, 0]
        return int(below[0]) if len(below) else self.box_size // 2

    def worth_measuring(self, deviations: float, *, masked: bool = True) -> int:
        """Return the last shell that is worth measuring: beyond those resolved without a mask, or under it, by a margin."""
        last = self.last_shell(masked=False, deviations=deviations)
        if masked:
            last = max(last, self.last_shell(masked=True, deviations=deviations))
        return min(last + MARGIN, self.box_size // 2)


def _below_one(curve: Tensor) -> Tensor:
    """An FSC of exactly 1, as coarse shells of strong signal can have, cannot be transformed."""
    return curve.double().clamp(-1 + 1e-6, 1 - 1e-6)
