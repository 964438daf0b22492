"""What a reconstruction is trained towards: the frame that was measured, the clean image, or the measurement alone."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
import torch
from torch import Tensor

from cryosense import fourier
from cryosense.operators import LinearOperator
from cryosense.reconstructors.unrolled import UnrolledSolver
from cryosense.training.batches import Batch
from cryosense.training.operators import DrawnMeasurement


class ReconstructionLoss(ABC):
    """A loss of each image.

    Attributes:
        name: for the record.
        needs_clean: whether clean images have to be known.
    """

    name: str
    needs_clean = False

    @abstractmethod
    def __call__(self, solver: UnrolledSolver, batch: Batch, drawn: DrawnMeasurement, random: np.random.Generator) -> Tensor:
        """-> (b,): mean squared error per pixel."""


class AgainstMeasured(ReconstructionLoss):
    """|R(A x, A) - x|^2 / n^2 with x the frame, noise and all: the paper's setting. Its minimiser keeps measured noise."""

    name = "measured"

    def __call__(self, solver: UnrolledSolver, batch: Batch, drawn: DrawnMeasurement, random: np.random.Generator) -> Tensor:
        return (_reconstruction(solver, batch, drawn) - batch.images).square().flatten(1).mean(1)


class AgainstClean(ReconstructionLoss):
    """|R(A x, A) - s|^2 / n^2 with s the clean image: for simulated particles. Its minimiser is E[s | A x]."""

    name = "clean"
    needs_clean = True

    def __call__(self, solver: UnrolledSolver, batch: Batch, drawn: DrawnMeasurement, random: np.random.Generator) -> Tensor:
        assert batch.clean is not None
        return (_reconstruction(solver, batch, drawn) - batch.clean).square().flatten(1).mean(1)


class SplitMeasurement(ReconstructionLoss):
    """Reconstruct from one part of the measurement, score on what is independent of it: no clean image, no frame.

    With x = s + n, n white of deviation sigma, masks A and nested masks A_1 of a share of them, P and P_1 the projections on
    their row spaces (A^+ y = P x), P_2 = P - P_1, and w white of deviation sigma,

        y_1  = A_1 (x + tau w)
        loss = |P_1 (R(y_1, A_1) - x + w / tau)|^2 / n^2  +  (n^2 - rank A_1) / rank P_2 |P_2 (R(y_1, A_1) - x)|^2 / n^2.

    The second term is the held-out part (SSDU, Yaman et al. 2020), which says nothing of what part 1 measured; the first is
    part 1 itself divided in two independent halves (recorrupted-to-recorrupted, Pang et al. 2021): n + tau w and n - w / tau
    are uncorrelated. Both targets are s plus noise that is independent of the input, so (Noise2Noise, Lehtinen et al. 2018)
    the expectation is a constant plus E |R(y_1, A_1) - s|^2 / n^2 where the directions that are held out are a uniform draw
    from those that A_1 does not measure: the loss against clean images, at the compression of A_1 and noise
    sqrt(1 + tau^2) sigma. Uniform masks are such a draw; for other families that is an approximation.

    In the reconstruction the whole y is used: less noise and less compression than it was trained for. The latter the solver
    is told (it is conditioned on the compression), the former it is not.

    Projections and not rows of A are what is divided: rows of pixel masks overlap, so their noise is correlated.

    Args:
        kept: share of the measurement that is part 1.
        recorruption: tau.
        both_signs: the mean of the losses with w and with -w, twice the work. What of the reconstruction does not depend on w
            then has no product with it, on average zero and otherwise most of the gradient's noise.
        noise_sigma: deviation of the images' noise per pixel, in units of the scaling; None: estimated for each batch from
            what is measured beyond the Nyquist circle, where white noise is all there is.
    """

    name = "split"

    def __init__(self, kept: float, recorruption: float, both_signs: bool, noise_sigma: float | None) -> None:
        if not 0 < kept < 1 or not recorruption > 0 or (noise_sigma is not None and not noise_sigma > 0):
            raise ValueError(
                f"model.loss: kept={kept} must lie in (0, 1), recorruption={recorruption} and noise_sigma={noise_sigma} "
                "above 0"
            )
        self.kept, self.recorruption, self.noise_sigma = kept, recorruption, noise_sigma
        self.signs = (1.0, -1.0) if both_signs else (1.0,)

    def __call__(self, solver: UnrolledSolver, batch: Batch, drawn: DrawnMeasurement, random: np.random.Generator) -> Tensor:
        x = batch.images
        count, n = len(x), x.shape[-1]
        whole, part = (made.to(x.device) for made in drawn.nested(self.kept, n, count))
        measured = whole.pinv(whole(x))
        sigma = self.noise_sigma or white_noise_sigma(measured, whole)
        w = sigma * torch.from_numpy(random.standard_normal(x.shape, dtype=np.float32)).to(x)
        factor = ((n**2 - part.rank) / (whole.rank - part.rank)).to(x)

        def of_draw(w: Tensor) -> Tensor:
            error = solver(part(measured + self.recorruption * w), part) - measured
            seen = _projected(part, error)
            held_out = (_projected(whole, error) - seen).square().flatten(1).mean(1)
            return (seen + _projected(part, w) / self.recorruption).square().flatten(1).mean(1) + factor * held_out

        return torch.stack([of_draw(sign * w) for sign in self.signs]).mean(0)


def white_noise_sigma(measured: Tensor, operator: LinearOperator) -> float:
    """(b, 1, n, n) A^+ y -> deviation per pixel of white noise, from the measured coefficients beyond the Nyquist circle.

    Raises:
        ValueError: masks that measure nothing there.
    """
    n = operator.box_size
    corners = fourier.frequency_radius(n, device=measured.device) > n / 2
    coefficients = operator.measured_shares[:, corners].sum(1).expand(len(measured)).sum()
    if float(coefficients) < 1:
        raise ValueError("model.loss.noise_sigma: these masks measure no coefficient that is noise alone: give it")
    return float((fourier.fftn(measured)[:, 0, corners].abs().square().sum() / coefficients).sqrt())


def _reconstruction(solver: UnrolledSolver, batch: Batch, drawn: DrawnMeasurement) -> Tensor:
    operator = drawn.operator(batch.images.shape[-1], len(batch.images)).to(batch.images.device)
    return solver(operator(batch.images), operator)


def _projected(operator: LinearOperator, x: Tensor) -> Tensor:
    return operator.pinv(operator(x))
