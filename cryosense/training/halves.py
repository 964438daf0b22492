"""Training on two halves of each particle's frames: one is measured, the other is what the reconstruction is compared with."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from cryosense import fourier
from cryosense.data import ParticleDataError, ParticleSource, survey_of
from cryosense.reconstructors.unrolled import UnrolledSolver
from cryosense.training.batches import Batch
from cryosense.training.losses import ReconstructionLoss
from cryosense.training.operators import DrawnMeasurement
from cryosense.training.solving import reconstruction

LOOKED_AT = 64  # particles, of all over a stack
MOST_ALIKE = 0.5  # correlation of what should be independent noise
ROUNDING = 1e-10  # of an image's power


class BetweenHalves(ReconstructionLoss):
    """The error ``|R(A x_1, A) - x_2|^2 / n^2`` of what is made of one half of the frames against the other (Noise2Noise).

    With ``x_i = s + n_i``, and n_2 of mean 0 and independent of x_1 (Lehtinen et al. 2018),

        E loss = E |R(A x_1, A) - s|^2 / n^2 + E |n_2|^2 / n^2,

    the loss against clean images and a number that no network changes, whatever the masks, the CTF and the spectrum of the
    noise, which need not be known. Its minimiser is E[s | A x_1]. Which half is measured is drawn for each batch. A half has
    twice the noise's variance of the whole: networks that know no noise learn to expect that much.
    """

    name = "halves"
    needs_halves = True

    def __call__(self, solver: UnrolledSolver, batch: Batch, drawn: DrawnMeasurement, random: np.random.Generator) -> Tensor:
        assert batch.halves is not None
        first = int(random.integers(2))
        measured, other = batch.halves[first], batch.halves[1 - first]
        return (reconstruction(solver, batch._replace(images=measured), drawn) - other).square().flatten(1).mean(1)


def check_halves(source: ParticleSource, loss: str, *, needed: bool) -> None:
    """Look whether halves are there if a loss needs them, and independent.

    Raises:
        ParticleDataError: halves that are missing, that the loss does not use, or that share their noise.
    """
    if needed and source.halves is None:
        raise ParticleDataError(
            f"{source.images.path}: loss={loss} compares two halves of each particle's frames: give half_paths"
        )
    if not needed and source.halves is not None:
        raise ParticleDataError(f"half_paths: loss={loss} does not use them: choose BetweenHalves, or leave them out")
    if source.halves is not None:
        _refuse_shared_noise(source)


def usable_halves(source: ParticleSource, usable: Tensor, skip_bad: bool, chunk_size: int) -> Tensor:
    """Return which of the usable particle numbers (m,) have two usable halves; every image of them is read.

    Raises:
        ParticleDataError: as ``Survey.usable``.
    """
    for half in source.halves or ():
        survey = survey_of(half.select(usable), chunk_size)
        usable = survey.usable(half.path, skip_bad, usable)
    return usable


def _refuse_shared_noise(source: ParticleSource) -> None:
    """Raise ParticleDataError if what lies beyond the Nyquist circle, where there is only noise, is alike in two stacks."""
    assert source.halves is not None
    count = len(source.images)
    rows = torch.arange(0, count, -(-count // LOOKED_AT))
    one, other = (_beyond(half[rows]) for half in source.halves)
    powers = one.abs().square().sum(), other.abs().square().sum()
    if not min(powers) > 0:
        return
    alike = float((one * other.conj()).sum().real / (powers[0] * powers[1]).sqrt())
    if alike > MOST_ALIKE:
        paths = " and ".join(str(half.path) for half in source.halves)
        raise ParticleDataError(
            f"half_paths: {paths}: their noise is not independent, beyond the Nyquist circle it correlates by {alike:.2f}: "
            "give stacks of the odd and of the even frames"
        )


def _beyond(images: Tensor) -> Tensor:
    """Return coefficients (b, m) beyond the Nyquist circle; 0 where an image holds nothing but rounding there."""
    n = images.shape[-1]
    all_of_them = fourier.fftn(images.double())[:, 0]
    found = all_of_them[:, fourier.frequency_radius(n) > n / 2]
    held = found.abs().square().sum(1) > ROUNDING * all_of_them.abs().square().sum((1, 2))
    return found * held[:, None]
