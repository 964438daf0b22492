"""What a quantiser adds to maps, from its moments at every coefficient of every particle; no quantiser is applied here.

Given the clean signal s of a coefficient, its decoded value less what it was has the mean m(s) - s and a variance that the
quantiser's moments give. Both are back-projected as particles are: what one shell adds leaks into its neighbours as it does in
maps, and a map's coefficient is made of signals that differ from each other.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from cryosense import fourier
from cryosense.data import ParticleStack
from cryosense.measurement import Full
from cryosense.measurement.file import MeasurementFile
from cryosense.measurement.quantisers.efficiency import SIGNALS, moments
from cryosense.measurement.quantisers.layout import Layout
from cryosense.measurement.quantisers.levels import LevelQuantiser
from cryosense.operators.base import LinearOperator
from cryosense.seeding import generator
from cryosense.tasks.maps.alignments import Alignments
from cryosense.volumes.backproject import SliceAccumulator, Slices

CHUNK, DRAWS, STREAM = 100, 3, 11
PAD_FACTOR, REGULARISATION = 2, 1e-3  # as `cryosense backproject` has them


class ParticleMoments:
    """The particles that `cryosense simulate` made, their clean images and where they belong in the map."""

    def __init__(self, star: Path) -> None:
        self.noisy, self.clean = ParticleStack.open(star), ParticleStack.open(star.with_name("clean.star"))
        self.known = Alignments.of(self.noisy, with_ctf=True)

    @torch.no_grad()
    def efficiency(self, file: MeasurementFile) -> np.ndarray:
        """-> N / (N + D) for each shell from 0, all coefficients of which are measured."""
        quantiser, n = file.quantiser, self.noisy.box_size
        assert isinstance(quantiser, LevelQuantiser)
        operator = quantiser.operator(Full().operator(n, torch.zeros(1, dtype=torch.int64)))
        (layout,) = quantiser.layouts.of(operator)
        added = _Added(quantiser, layout, *self._levels(file, operator, layout))
        sums = [[SliceAccumulator(n, PAD_FACTOR) for _ in range(2)] for _ in range(2 + DRAWS)]
        for rows in torch.arange(len(self.noisy)).split(CHUNK):
            noisy, signal = self._taken(file, rows, operator, layout)
            mean, std = added(signal)
            normal = np.stack([generator(0, int(row), STREAM).standard_normal((DRAWS, layout.count)) for row in rows])
            for made, of in zip([noisy, mean, *(std * normal.swapaxes(0, 1))], sums, strict=True):
                self._insert(file, rows, operator, layout.put(made * quantiser.scale(layout)), of)
        first, second = (half.volume(REGULARISATION) for half in sums[0])
        noise = fourier.power_spectrum(first - second, 3) / 2
        mean, *drawn = (_power(halves) for halves in sums[1:])
        return (noise / (noise + mean + sum(drawn) / DRAWS)).numpy()

    def _taken(self, file: MeasurementFile, rows: Tensor, operator: LinearOperator, layout: Layout) -> list[np.ndarray]:
        """-> (b, m) each: numbers of the noisy and of the clean images, whitened."""
        offset, gain = (each.reshape(-1, 1, 1, 1) for each in file.scaling(rows))
        images = ((stack[rows] - offset) / gain for stack in (self.noisy, self.clean))
        return [layout.taken(operator(each).flatten(1).numpy()) / file.quantiser.scale(layout) for each in images]

    def _levels(self, file: MeasurementFile, operator: LinearOperator, layout: Layout) -> tuple[np.ndarray, np.ndarray]:
        """-> of each shell: standard deviation of the noise, and the largest signal, both whitened."""
        shells = layout.groups.max() + 1
        square, count, largest = np.zeros(shells), np.zeros(shells), np.zeros(shells)
        for rows in torch.arange(len(self.noisy)).split(CHUNK):
            noisy, signal = self._taken(file, rows, operator, layout)
            square += np.bincount(layout.groups, ((noisy - signal) ** 2).sum(0), shells)
            count += np.bincount(layout.groups, minlength=shells) * len(rows)
            np.maximum.at(largest, layout.groups, np.abs(signal).max(0))
        return np.sqrt(square / np.maximum(count, 1)), largest

    def _insert(
        self, file: MeasurementFile, rows: Tensor, operator: LinearOperator, y: np.ndarray, halves: list[SliceAccumulator]
    ) -> None:
        images = operator.pinv(torch.from_numpy(y).float().reshape(len(rows), *operator.measurement_norms.shape[1:]))
        images = images * file.scaling(rows)[1].reshape(-1, 1, 1, 1)
        terms, rotations = self.known.slices(images[:, 0], rows, None), self.known.rotations(rows)
        for number, half in enumerate(halves):
            chosen = self.known.half_set[rows] == number
            half.insert(Slices(terms.numerator[chosen], terms.weight[chosen]), rotations[chosen])


class _Added:
    """Mean and standard deviation of a decoded number less what it was, given its signal; whitened."""

    def __init__(self, quantiser: LevelQuantiser, layout: Layout, noise_std: np.ndarray, largest: np.ndarray) -> None:
        self.layout, self.tables = layout, {}
        books = np.repeat(np.arange(len(layout.lengths)), layout.lengths)
        for part, shell in sorted(set(zip(books.tolist(), layout.groups.tolist(), strict=True))):
            grid = np.linspace(-largest[shell], largest[shell], SIGNALS)
            of_grid, variance = moments(quantiser.books[part], grid, float(noise_std[shell])), noise_std[shell] ** 2
            spread = of_grid.variance - 2 * of_grid.slope * variance + variance
            places = np.flatnonzero((books == part) & (layout.groups == shell))
            self.tables[part, shell] = places, grid, of_grid.mean - grid, np.sqrt(spread.clip(0))

    def __call__(self, signal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        mean, std = np.zeros_like(signal), np.zeros_like(signal)
        for places, grid, *of_grid in self.tables.values():
            for whole, values in zip((mean, std), of_grid, strict=True):
                whole[:, places] = np.interp(signal[:, places], grid, values)
        return mean, std


def _power(halves: list[SliceAccumulator]) -> Tensor:
    """-> (shells,) the mean power of both halves' maps."""
    return fourier.power_spectrum(torch.stack([half.volume(REGULARISATION) for half in halves]), 3).mean(0)
