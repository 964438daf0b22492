"""What a reconstruction is trained towards: the frame that was measured, the clean image, or the measurement alone."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
import torch
from torch import Tensor

from cryosense import fourier
from cryosense.errors import ArgumentError
from cryosense.operators import LinearOperator
from cryosense.reconstructors.unrolled import Told, ToldSolver, UnrolledSolver
from cryosense.shown import ShowsParameters
from cryosense.training.batches import Batch
from cryosense.training.operators import DrawnMeasurement


class ReconstructionLoss(ShowsParameters, ABC):
    """A loss for each image.

    Attributes:
        name: name of the loss in records.
        needs_clean: whether clean images must be known.
    """

    name: str
    needs_clean = False

    def check(self, solver: UnrolledSolver) -> None:
        """Raise ArgumentError for a solver that cannot be trained towards this."""

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

    With x = s + n, n white of standard deviation sigma, masks A and nested masks A_1 of a share of them, P and P_1 the
    projections on their row spaces (``A^+ y = P x``), P_2 = P - P_1, R(x) short for R(A_1 x, A_1), and a weight v,

        loss = (|P_1 (R(x) - x)|^2 + 2 sigma^2 tr(P_1 dR/dx) + v |P_2 (R(x) - x)|^2) / (rank P_1 + v rank P_2) - sigma^2.

    What part 1 measured is scored by Stein's unbiased risk estimate (Stein 1981; for singular operators Eldar 2009, for
    networks and drawn masks Aggarwal et al. 2022): ``E <P_1 R(x), n> = sigma^2 E tr(P_1 dR/dx)``, since n is white in the
    image. What is held out has noise that R(x) does not know (SSDU, Yaman et al. 2020). So for every operator

        E loss = E (|P_1 (R(x) - s)|^2 + v |P_2 (R(x) - s)|^2) / (rank P_1 + v rank P_2),

    the error against clean images over the measured coefficients, at the compression of A_1 and the noise of the frame.
    Whatever v, its minimiser is E[s | A_1 x], that of the loss against clean images, wherever P_2 may fall. With
    ``v = (n^2 - rank P_1) / rank P_2`` it would be that loss itself, dominated by the noise of the few that are held out.

    The trace is that of a central difference with a Gaussian probe w of standard deviation sigma (Ramani et al. 2008),

        sigma^2 tr(P_1 dR/dx) = <P_1 w, R(x + h w) - R(x - h w)> / 2 h,      |P (R - x)|^2 the mean of both sides,

    which is exact for input with noise ``sqrt(1 + h^2) sigma``: x + h w and n - w / h are independent
    (recorrupted-to-recorrupted, Pang et al. 2021, is the same with one side).

    The reconstruction uses all of y: less compression than the solver was trained for, of which it is told.

    Projections are divided rather than rows of A, because rows of pixel masks overlap, so their noise is correlated.

    Args:
        kept: share of the measurement that is part 1.
        held_out_weight: v.
        probe_step: h.
        noise_sigma: standard deviation of the images' noise per pixel, in units of the scaling; None to estimate it for each
            batch from what is measured beyond the Nyquist circle, where there is only white noise.

    Raises:
        ArgumentError: a number out of range.
    """

    name = "split"

    def __init__(
        self, kept: float = 0.9, held_out_weight: float = 3.0, probe_step: float = 0.1, noise_sigma: float | None = None
    ) -> None:
        if not 0 < kept < 1 or not min(held_out_weight, probe_step) > 0 or (noise_sigma is not None and not noise_sigma > 0):
            raise ArgumentError(
                f"model.loss: kept={kept} must lie in (0, 1), held_out_weight={held_out_weight}, probe_step={probe_step} and "
                f"noise_sigma={noise_sigma} above 0"
            )
        self.kept, self.held_out_weight = kept, held_out_weight
        self.probe_step, self.noise_sigma = probe_step, noise_sigma

    def __call__(self, solver: UnrolledSolver, batch: Batch, drawn: DrawnMeasurement, random: np.random.Generator) -> Tensor:
        x = batch.images
        whole, part = (made.to(x.device) for made in drawn.nested(self.kept, x.shape[-1], len(x)))
        measured = whole.pinv(whole(x))
        sigma = self.noise_sigma or white_noise_sigma(measured, whole)
        probe = sigma * torch.from_numpy(random.standard_normal(x.shape, dtype=np.float32)).to(x)
        sides = [_solved(solver, part(measured + step * probe), part, batch) for step in (self.probe_step, -self.probe_step)]
        errors = torch.stack([self._squares(whole, part, found - measured) for found in sides]).mean(0)
        trace = _inner(_projected(part, probe), sides[0] - sides[1]) / (2 * self.probe_step)
        count = part.rank + self.held_out_weight * (whole.rank - part.rank)
        return (errors + 2 * trace) / count.to(x) - sigma**2

    def _squares(self, whole: LinearOperator, part: LinearOperator, error: Tensor) -> Tensor:
        """Return ``|P_1 e|^2 + v |P_2 e|^2``, (b,)."""
        seen = _projected(part, error)
        held_out = _projected(whole, error) - seen
        return _inner(seen, seen) + self.held_out_weight * _inner(held_out, held_out)


def white_noise_sigma(measured: Tensor, operator: LinearOperator) -> float:
    """Return the standard deviation per pixel of white noise, from the measured coefficients beyond the Nyquist circle.

    Args:
        measured: (b, 1, n, n) ``A^+ y``.
        operator: A.

    Raises:
        ArgumentError: masks that measure nothing there.
    """
    n = operator.box_size
    corners = fourier.frequency_radius(n, device=measured.device) > n / 2
    coefficients = operator.measured_shares[:, corners].sum(1).expand(len(measured)).sum()
    if float(coefficients) < 1:
        raise ArgumentError("noise_sigma: these masks measure no coefficient that holds only noise: give noise_sigma")
    return float((fourier.fftn(measured)[:, 0, corners].abs().square().sum() / coefficients).sqrt())


def reconstruction(solver: UnrolledSolver, batch: Batch, drawn: DrawnMeasurement) -> Tensor:
    """Return what a solver makes, (b, 1, n, n), of the whole measurement of a batch."""
    measurement = drawn.measure(batch.images)
    return _solved(solver, measurement.y, measurement.operator, batch)


def _solved(solver: UnrolledSolver, y: Tensor, operator: LinearOperator, batch: Batch) -> Tensor:
    """Return images (b, 1, n, n) by a solver that is told the CTFs that the batch holds."""
    if batch.ctf is None or not isinstance(solver, ToldSolver):
        return solver(y, operator)
    return solver(y, operator, Told(ctf=batch.ctf))


def _projected(operator: LinearOperator, x: Tensor) -> Tensor:
    return operator.pinv(operator(x))


def _inner(a: Tensor, b: Tensor) -> Tensor:
    """Return the inner product of each pair of images, (b,)."""
    return (a * b).flatten(1).sum(1)
