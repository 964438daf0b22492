"""What a reconstruction is trained towards: the frame that was measured, the clean image, or the measurement alone."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
import torch
from torch import Tensor

from cryosense import fourier
from cryosense.data import ParticleStack, Scaling
from cryosense.errors import ArgumentError
from cryosense.operators import FourierSampling, LinearOperator
from cryosense.reconstructors.unrolled import UnrolledSolver
from cryosense.shown import ShowsParameters
from cryosense.training.batches import Batch
from cryosense.training.noise import corner_spectrum, white_noise_sigma
from cryosense.training.operators import DrawnMeasurement
from cryosense.training.solving import reconstruction, solved

NOISES = ("white", "estimated")


class ReconstructionLoss(ShowsParameters, ABC):
    """A loss for each image.

    Attributes:
        name: name of the loss in records.
        needs_clean: whether clean images must be known.
        needs_halves: whether images from either half of the frames must be known.
        sees_corners: whether whole images must be known, for what is noise in them.
    """

    name: str
    needs_clean = False
    needs_halves = False
    sees_corners = False

    def check(self, solver: UnrolledSolver) -> None:
        """Raise ArgumentError for a solver that cannot be trained towards this."""

    def learn(self, images: ParticleStack, scaling: Scaling, chunk_size: int) -> None:
        """Learn what it needs to know of all images to be trained on, before the first batch."""

    @abstractmethod
    def __call__(self, solver: UnrolledSolver, batch: Batch, drawn: DrawnMeasurement, random: np.random.Generator) -> Tensor:
        """Return the mean squared error per pixel, (b,)."""


class AgainstMeasured(ReconstructionLoss):
    """The error ``|R(A x, A) - x|^2 / n^2`` against the frame x, noise and all: the paper's setting.

    Its minimiser keeps measured noise.
    """

    name = "measured"

    def __call__(self, solver: UnrolledSolver, batch: Batch, drawn: DrawnMeasurement, random: np.random.Generator) -> Tensor:
        return (reconstruction(solver, batch, drawn) - batch.images).square().flatten(1).mean(1)


class AgainstClean(ReconstructionLoss):
    """The error ``|R(A x, A) - s|^2 / n^2`` against the clean image s, for simulated particles.

    Its minimiser is E[s | A x].
    """

    name = "clean"
    needs_clean = True

    def __call__(self, solver: UnrolledSolver, batch: Batch, drawn: DrawnMeasurement, random: np.random.Generator) -> Tensor:
        assert batch.clean is not None
        return (reconstruction(solver, batch, drawn) - batch.clean).square().flatten(1).mean(1)


class SplitMeasurement(ReconstructionLoss):
    """Reconstruct from one part of the measurement and score on all of it: no clean image, no frame.

    With x = s + n, n of covariance S, masks A and nested masks A_1 of a share of them, P and P_1 the projections on their row
    spaces (``A^+ y = P x``), P_2 = P - P_1, Q = P_1 + v P_2 with a weight v, and R(x) short for R(A_1 x, A_1),

        loss = (|P_1 (R(x) - x)|^2 + v |P_2 (R(x) - x)|^2 + 2 tr(Q dR/dx S) - tr(Q S)) / (rank P_1 + v rank P_2).

    What part 1 measured is scored by Stein's unbiased risk estimate (Stein 1981; for singular operators Eldar 2009, for
    networks and drawn masks Aggarwal et al. 2022): ``E <P_1 R(x), n> = E tr(P_1 dR/dx S)``. What is held out has noise that
    R(x) does not know (SSDU, Yaman et al. 2020), if the noise is white or A samples Fourier coefficients: then ``tr(P_2 dR/dx
    S)`` is 0 and is left out. Coloured noise in what pixel masks held out is correlated with part 1, by this term. So for
    every operator

        E loss = E (|P_1 (R(x) - s)|^2 + v |P_2 (R(x) - s)|^2) / (rank P_1 + v rank P_2),

    the error against clean images over the measured coefficients, at the compression of A_1 and the noise of the frame.
    Whatever v, its minimiser is E[s | A_1 x], that of the loss against clean images, wherever P_2 may fall. With
    ``v = (n^2 - rank P_1) / rank P_2`` it would be that loss itself, dominated by the noise of the few that are held out.

    The trace is that of a central difference with a Gaussian probe w of covariance S (Ramani et al. 2008),

        tr(Q dR/dx S) = <Q w, R(x + h w) - R(x - h w)> / 2 h,      |P (R - x)|^2 the mean of both sides,

    which is exact for input with noise of covariance ``(1 + h^2) S``: x + h w and n - w / h are independent
    (recorrupted-to-recorrupted, Pang et al. 2021, is the same with one side).

    The reconstruction uses all of y: less compression than the solver was trained for, of which it is told.

    Projections are divided rather than rows of A, because rows of pixel masks overlap, so their noise is correlated.

    Args:
        kept: share of the measurement that is part 1.
        held_out_weight: v.
        probe_step: h.
        noise_sigma: standard deviation of white noise per pixel, in units of the scaling; None to estimate it for each batch
            from what is measured beyond the Nyquist circle, where there is only white noise.
        noise: ``white``, or ``estimated``: stationary, with the radial spectrum of the corners of the training images.

    Raises:
        ArgumentError: a number out of range, or another word for the noise.

    Attributes:
        spectrum: of the noise, (n, n) centred, in units of the scaling; None for white noise.
    """

    name = "split"
    spectrum: Tensor | None = None

    def __init__(
        self,
        kept: float = 0.9,
        held_out_weight: float = 3.0,
        probe_step: float = 0.1,
        noise_sigma: float | None = None,
        noise: str = "white",
    ) -> None:
        if not 0 < kept < 1 or not min(held_out_weight, probe_step) > 0 or (noise_sigma is not None and not noise_sigma > 0):
            raise ArgumentError(
                f"model.loss: kept={kept} must lie in (0, 1), held_out_weight={held_out_weight}, probe_step={probe_step} and "
                f"noise_sigma={noise_sigma} above 0"
            )
        if noise not in NOISES or (noise != NOISES[0] and noise_sigma is not None):
            raise ArgumentError(
                f"model.loss: noise={noise}: one of {', '.join(NOISES)}; noise_sigma={noise_sigma} is of white noise alone"
            )
        self.kept, self.held_out_weight = kept, held_out_weight
        self.probe_step, self.noise_sigma, self.noise = probe_step, noise_sigma, noise
        self.sees_corners = noise != NOISES[0]

    def learn(self, images: ParticleStack, scaling: Scaling, chunk_size: int) -> None:
        if self.sees_corners:
            self.spectrum = corner_spectrum(images, scaling, chunk_size)

    def __call__(self, solver: UnrolledSolver, batch: Batch, drawn: DrawnMeasurement, random: np.random.Generator) -> Tensor:
        x = batch.images
        whole, part = (made.to(x.device) for made in drawn.nested(self.kept, x.shape[-1], len(x)))
        measured = whole.pinv(whole(x))
        spectrum = self._spectrum(measured, whole)
        white = torch.from_numpy(random.standard_normal(x.shape, dtype=np.float32)).to(x)
        probe = fourier.filtered(white, fourier.centred_to_half_plane(spectrum).sqrt().to(x))
        sides = [solved(solver, part(measured + step * probe), part, batch) for step in (self.probe_step, -self.probe_step)]
        errors = torch.stack([self._squares(whole, part, found - measured) for found in sides]).mean(0)
        trace = _inner(self._scored(whole, part, probe), sides[0] - sides[1]) / (2 * self.probe_step)
        v = self.held_out_weight
        scored = part.measured_shares * (1 - v) + whole.measured_shares * v  # of each coefficient, the diagonal of Q
        noise = (scored.double() * spectrum).flatten(1).sum(1).to(x)
        count = part.rank + v * (whole.rank - part.rank)
        return (errors + 2 * trace - noise) / count.to(x)

    def _spectrum(self, measured: Tensor, whole: LinearOperator) -> Tensor:
        """Return the noise's, (n, n) centred float64: what was learned, or a level one."""
        if not self.sees_corners:
            sigma = self.noise_sigma or white_noise_sigma(measured, whole)
            return torch.full((whole.box_size,) * 2, sigma**2, dtype=torch.float64, device=measured.device)
        if self.spectrum is None:
            raise ArgumentError("SplitMeasurement: noise=estimated learns from images first")
        return self.spectrum.to(measured.device)

    def _scored(self, whole: LinearOperator, part: LinearOperator, probe: Tensor) -> Tensor:
        """Return ``Q w``, without what is 0 on average."""
        seen = _projected(part, probe)
        if not self.sees_corners or isinstance(whole, FourierSampling):
            return seen
        return seen + self.held_out_weight * (_projected(whole, probe) - seen)

    def _squares(self, whole: LinearOperator, part: LinearOperator, error: Tensor) -> Tensor:
        """Return ``|P_1 e|^2 + v |P_2 e|^2``, (b,)."""
        seen = _projected(part, error)
        held_out = _projected(whole, error) - seen
        return _inner(seen, seen) + self.held_out_weight * _inner(held_out, held_out)


def _projected(operator: LinearOperator, x: Tensor) -> Tensor:
    return operator.pinv(operator(x))


def _inner(a: Tensor, b: Tensor) -> Tensor:
    """Return the inner product of each pair of images, (b,)."""
    return (a * b).flatten(1).sum(1)
