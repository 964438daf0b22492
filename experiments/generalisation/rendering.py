"""Particle images of many molecules, made on the device that trains: each new, in its own pose, under its own conditions.

The same physics as ``cryosense.simulation.varied``, batched over molecules: atoms are splatted on a grid twice as fine as
the image's, and what the splat did to the spectrum is undone. What an experiment's map has beside its atoms (another
fall-off, less at low frequencies, what is disordered) is drawn for a share of the images.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from cryosense import fourier
from cryosense.volumes.poses import quaternion_rotations

FINER = 2  # than the image's, the grid on which atoms are splatted
SPHERICAL_ABERRATION_ANGSTROM = 2.7e7
WAVELENGTHS_ANGSTROM = {200: 0.02508, 300: 0.01969}


@dataclass(frozen=True)
class Conditions:
    """Ranges from which the conditions of each image are drawn; logarithms evenly where it says so."""

    fill: tuple[float, float] = (0.25, 0.9)  # diameter over the box's side
    pixel_size_angstrom: tuple[float, float] = (1.2, 8.0)
    resolution_angstrom: tuple[float, float] = (4.0, 14.0)  # logarithm
    resolved: float = 7.0  # at least, diameter over resolution
    b_factor_angstrom2: tuple[float, float] = (30.0, 250.0)
    defocus_angstrom: tuple[float, float] = (5000.0, 25000.0)
    astigmatism_angstrom: float = 400.0
    amplitude_contrast: tuple[float, float] = (0.07, 0.12)
    snr: tuple[float, float] = (0.02, 1.5)  # logarithm
    shift_angstrom: float = 5.0
    neighbours: float = 1.0  # expected at each image, half of the images have none
    ice_gradient: float = 0.5
    coloured: float = 0.5  # share of the images
    corner_angstrom: tuple[float, float] = (15.0, 60.0)
    exponent: tuple[float, float] = (0.2, 2.0)
    as_measured: float = 0.4  # share of the images whose map has more than atoms
    envelope: float = 0.4  # deviation of the logarithm, of three cosines over the radius
    least_at_origin: float = 0.3  # of the amplitude, after the high pass
    texture: float = 0.35  # of the image's deviation, at most


class Rendered(NamedTuple):
    """Frames and clean images (b, 1, n, n), and the CTF (b, 1, n, n // 2 + 1)."""

    noisy: Tensor
    clean: Tensor
    ctf: Tensor


class Renderer:
    """Images of molecules that lie one after another: atoms (m, 3) in Angstrom, weights (m,), ``ends`` (k + 1,)."""

    def __init__(self, positions: Tensor, weights: Tensor, ends: Tensor, conditions: Conditions, seed: int) -> None:
        self.positions, self.weights, self.ends = positions, weights, ends
        self.conditions, self.device = conditions, positions.device
        radii, owners = positions.norm(dim=1), torch.repeat_interleave(ends.diff())
        self.diameters = 2 * torch.zeros(len(ends) - 1, device=self.device).scatter_reduce(0, owners, radii, "amax")
        self.random = torch.Generator(self.device).manual_seed(seed)

    def uniform(self, count: int, low: float, high: float, *, logarithmic: bool = False) -> Tensor:
        """Return numbers (count,) from a range."""
        drawn = torch.rand(count, device=self.device, generator=self.random)
        if logarithmic:
            return torch.exp(math.log(low) + (math.log(high) - math.log(low)) * drawn)
        return low + (high - low) * drawn

    def normal(self, *shape: int) -> Tensor:
        """Return standard normals."""
        return torch.randn(shape, device=self.device, generator=self.random)

    def batch(self, count: int, box_size: int) -> Rendered:
        """Return ``count`` new particles."""
        c, n = self.conditions, box_size
        molecules = torch.randint(len(self.diameters), (count,), device=self.device, generator=self.random)
        pixel = (self.diameters[molecules] / (n * self.uniform(count, *c.fill))).clamp(*c.pixel_size_angstrom)
        pixel = torch.maximum(pixel, self.diameters[molecules] / (0.9 * n))
        resolution = self.uniform(count, *c.resolution_angstrom, logarithmic=True)
        resolution = torch.minimum(resolution, self.diameters[molecules] / c.resolved)
        shifts = c.shift_angstrom * self.normal(count, 2) / pixel[:, None]
        frequency = _frequencies(n, self.device)[None] / pixel[:, None, None]
        spectrum = self._projected(molecules, shifts, pixel, n, n)
        spectrum = spectrum * torch.exp(-((resolution[:, None, None] * frequency) ** 2))
        spectrum = self._as_measured(spectrum, frequency, self.diameters[molecules] / pixel, n)
        optics = self._optics(count)
        ctf = _ctf(optics, n, pixel)
        clean = fourier.from_half_plane(spectrum * ctf, n)
        scale = (self.uniform(count, *c.snr, logarithmic=True) / clean.flatten(1).var(1)).sqrt()[:, None, None]
        around = self._neighbours(molecules, pixel, resolution, optics, n)
        noise = self._noise(count, n, frequency) + self._ice(count, n)
        noisy, clean = (
            torch.fft.fftshift(each, dim=(-2, -1))[:, None] for each in (scale * (clean + around) + noise, scale * clean)
        )
        return Rendered(noisy, clean, ctf[:, None])

    def _projected(self, molecules: Tensor, offsets: Tensor, pixel: Tensor, n: int, field: int) -> Tensor:
        """Return the spectra (b, field, field // 2 + 1) of points projected in random poses into a field of pixels.

        ``offsets``: (b, 2), of the particles from the field's middle, in pixels.
        """
        b, grid = len(molecules), FINER * field
        first, counts = self.ends[molecules], self.ends[molecules + 1] - self.ends[molecules]
        image = torch.repeat_interleave(counts)
        within = torch.arange(len(image), device=self.device) - (counts.cumsum(0) - counts)[image]
        atom = first[image] + within
        across = quaternion_rotations(self.normal(b, 4))[:, :, :2]
        xy = torch.einsum("ac,ack->ak", self.positions[atom], across[image])
        at = FINER * (xy / pixel[image, None] + offsets[image]) + grid // 2
        low = at.floor()
        share, low = at - low, low.long()
        plane = torch.zeros(b * grid * grid, device=self.device)
        for dx in (0, 1):
            for dy in (0, 1):
                part = (share[:, 0] if dx else 1 - share[:, 0]) * (share[:, 1] if dy else 1 - share[:, 1])
                cell = (image * grid + (low[:, 1] + dy) % grid) * grid + (low[:, 0] + dx) % grid
                plane.index_add_(0, cell, part * self.weights[atom])
        spectrum = fourier.centred_half_plane(plane.reshape(b, grid, grid))
        half = field // 2
        spectrum = torch.cat([spectrum[:, :half], spectrum[:, grid - half :]], dim=1)[..., : half + 1]
        spectrum[:, half], spectrum[..., half] = 0.0, 0.0
        rows, columns = _indices(field, self.device)
        splat = torch.sinc(rows / grid)[:, None] ** 2 * torch.sinc(columns / grid) ** 2
        return spectrum / splat

    def _as_measured(self, spectrum: Tensor, frequency: Tensor, diameters: Tensor, n: int) -> Tensor:
        """Return spectra, a share of which has what a map from an experiment has: see ``Conditions``."""
        c, b = self.conditions, len(spectrum)
        radius = (_frequencies(n, self.device) * 2).clamp(max=1.0)[None]
        waves = sum(self.normal(b, 1, 1) * torch.cos(math.pi * order * radius) for order in (1, 2, 3))
        depth = (1 - c.least_at_origin) * self.uniform(b, 0, 1)[:, None, None]
        length = (self.uniform(b, 0.3, 1.5) * diameters)[:, None, None] * radius / 2
        gain = torch.exp(c.envelope * waves) * (1 - depth * torch.exp(-(length**2)))
        image = fourier.from_half_plane(spectrum * gain, n)
        disc = self._disc(diameters * self.uniform(b, 0.9, 1.4), n)
        power = self.uniform(b, 0.0, 2.0)[:, None, None]
        texture = fourier.filtered(self.normal(b, n, n), (radius * n / 2).clamp_min(1.0) ** -power * gain) * disc
        strength = self.uniform(b, 0, c.texture)[:, None, None] * _deviation(image) / _deviation(texture)
        changed = fourier.half_plane(image + strength * texture)
        chosen = self.uniform(b, 0, 1) < c.as_measured
        return torch.where(chosen[:, None, None], changed, spectrum)

    def _disc(self, diameters: Tensor, n: int) -> Tensor:
        """Return projected balls with these diameters in pixels, (b, n, n), about pixel 0, where they are 1."""
        rows, columns = _indices(n, self.device)[0], torch.fft.fftfreq(n, 1 / n, device=self.device)
        squared = (rows[:, None] ** 2 + columns**2)[None] / (diameters[:, None, None] / 2) ** 2
        return (1 - squared).clamp_min(0.0).sqrt()

    def _neighbours(self, molecules: Tensor, pixel: Tensor, resolution: Tensor, optics: Tensor, n: int) -> Tensor:
        """Return what other particles add, (b, n, n): placed anywhere in a field of twice the box, but not on the particle."""
        b, diameters = len(molecules), self.diameters[molecules] / pixel
        around = torch.zeros(b, n, n, device=self.device)
        expected = 2 * self.conditions.neighbours * (self.uniform(b, 0, 1) < 0.5)
        for _ in range(2):
            reach = n / 2 + diameters / 2
            offsets = reach[:, None] * (2 * torch.rand(b, 2, device=self.device, generator=self.random) - 1)
            there = (self.uniform(b, 0, 1) < expected / 2) & (offsets.norm(dim=1) > 0.9 * diameters)
            seen = there.nonzero()[:, 0]
            if not len(seen):
                continue
            spectrum = self._projected(molecules[seen], offsets[seen], pixel[seen], n, 2 * n)
            frequency = _frequencies(2 * n, self.device)[None] / pixel[seen, None, None]
            spectrum *= torch.exp(-((resolution[seen, None, None] * frequency) ** 2)) * _ctf(
                optics[:, seen], 2 * n, pixel[seen]
            )
            field, h = fourier.from_centred_half_plane(spectrum, 2 * n), n // 2
            around.index_add_(0, seen, torch.fft.ifftshift(field[:, h:-h, h:-h], dim=(-2, -1)))
        return around

    def _noise(self, count: int, n: int, frequency: Tensor) -> Tensor:
        c = self.conditions
        corner, exponent = self.uniform(count, *c.corner_angstrom), self.uniform(count, *c.exponent)
        power = 1 / (1 + (corner[:, None, None] * frequency) ** exponent[:, None, None])
        power = torch.where((self.uniform(count, 0, 1) < c.coloured)[:, None, None], power, 1.0)
        noise = fourier.filtered(self.normal(count, n, n), power.sqrt())
        doubled = torch.ones(n // 2 + 1, device=self.device)
        doubled[1:-1] = 2
        return noise / ((power * doubled).sum((-2, -1), keepdim=True) / n**2).sqrt()

    def _ice(self, count: int, n: int) -> Tensor:
        most = self.uniform(count, 0, self.conditions.ice_gradient)
        angle, steepness = self.uniform(count, 0, 2 * math.pi), self.uniform(count, 0, 1) * most
        axis = torch.fft.fftfreq(n, 0.5, device=self.device)
        along, across = ((steepness * turned)[:, None, None] for turned in (torch.cos(angle), torch.sin(angle)))
        return along * axis + across * axis[:, None]

    def _optics(self, count: int) -> Tensor:
        """Return defocus u, v, angle, B factor, amplitude contrast, wavelength, (6, b)."""
        c = self.conditions
        mean, half = self.uniform(count, *c.defocus_angstrom), self.uniform(count, 0, c.astigmatism_angstrom / 2)
        volts = self.uniform(count, 0, 1) < 0.3
        wavelength = torch.where(volts, WAVELENGTHS_ANGSTROM[200], WAVELENGTHS_ANGSTROM[300])
        angle, b_factor = self.uniform(count, 0, math.pi), self.uniform(count, *c.b_factor_angstrom2)
        return torch.stack([mean + half, mean - half, angle, b_factor, self.uniform(count, *c.amplitude_contrast), wavelength])


def _indices(n: int, device: torch.device) -> tuple[Tensor, Tensor]:
    return torch.fft.fftfreq(n, 1 / n, device=device), torch.arange(n // 2 + 1, device=device, dtype=torch.float32)


def _frequencies(n: int, device: torch.device) -> Tensor:
    """Return the frequencies of a half plane in cycles per pixel, (n, n // 2 + 1)."""
    rows, columns = _indices(n, device)
    return torch.hypot(rows[:, None], columns) / n


def _deviation(images: Tensor) -> Tensor:
    return images.std((-2, -1), keepdim=True)


def _ctf(optics: Tensor, n: int, pixel: Tensor) -> Tensor:
    """Return the CTF of ``cryosense.volumes.ctf`` for optics (6, b) and pixel sizes (b,), (b, n, n // 2 + 1)."""
    u, v, angle, b_factor, contrast, wavelength = optics[..., None, None]
    rows, columns = _indices(n, optics.device)
    squared = (rows[:, None] ** 2 + columns**2)[None] / (n * pixel[:, None, None]) ** 2
    defocus = (u + v) / 2 + (u - v) / 2 * torch.cos(2 * (torch.atan2(rows[:, None], columns)[None] - angle))
    phase = math.pi * wavelength * defocus * squared
    phase = phase - math.pi / 2 * SPHERICAL_ABERRATION_ANGSTROM * wavelength**3 * squared**2 + torch.asin(contrast)
    return torch.sin(phase) * torch.exp(-b_factor / 4 * squared)
