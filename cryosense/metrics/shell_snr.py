"""The signal-to-noise ratio of each shell behind noisy FSC curves, and how well it is known."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from cryosense.errors import ArgumentError

# Standard deviations of the second difference of log s from shell to shell, among which the curves themselves choose.
ROUGHNESS = (0.01, 0.03, 0.1, 0.3, 1.0)
MAX_ITERATIONS = 200
RELATIVE_TOLERANCE = 1e-10
# Curves are within chance if no sum of z over the shells up to any one is this many standard deviations above 0.
LEAST_SIGNIFICANCE = 4.0


class ObservedCurve(NamedTuple):
    """FSC of two half maps (n // 2 + 1,), and the share of its coefficients that are independent: 1 without a mask."""

    fsc: Tensor
    independent_fraction: float

    def chance(self) -> Tensor:
        """Return the standard deviation of artanh FSC, (n // 2 + 1,): ``m^-1/2``, m = 4 pi k^2 times the share; 0 at k = 0."""
        shells = torch.arange(len(self.fsc), dtype=torch.float64)
        deviation = (4 * torch.pi * shells**2 * self.independent_fraction) ** -0.5
        deviation[0] = 0
        return deviation


def independent_fraction(mask: Tensor) -> float:
    """Return the share of a masked map's coefficients that are independent, halved for what the correction subtracts.

    Noise under a mask M (n, n, n) has the variance M^2, and sums of squares of it have (sum M^2)^2 / sum M^4 degrees of
    freedom, in voxels (Satterthwaite 1946). The curve of randomised phases that is subtracted is as uncertain as the masked
    one.
    """
    power = mask.double() ** 2
    return float(power.sum() ** 2 / (power**2).sum() / power.numel() / 2)


class ShellSnr(NamedTuple):
    """Natural logarithm of s = FSC / (1 - FSC) and its standard deviation, both (n // 2 + 1,) float64; shell 0 as shell 1."""

    log_snr: Tensor
    deviation: Tensor


class _Problem(NamedTuple):
    """Values z (t,) of standard deviation weight^-1/2 at log s = design x, x (p,); ``second @ (x - known)`` is small."""

    z: Tensor
    weight: Tensor
    design: Tensor
    second: Tensor
    known: Tensor


def fit_shell_snr(curves: Sequence[ObservedCurve], *, modulation: Tensor | None) -> ShellSnr:
    """Fit the smooth s(k) behind FSC curves (n // 2 + 1,), for the first curve, even where it falls below zero.

    Fisher's z of a curve, ``artanh FSC = log(1 + 2 s) / 2``, has variance 1 / m in a shell of m independent numbers,
    ``m = 4 pi k^2`` in a map without mask (Fisher 1915). ``log s - log modulation`` is modelled as a curve whose second
    difference is normal, with a deviation that the data choose from ``ROUGHNESS`` by marginal likelihood (Laplace's
    approximation): shells that hold no more than chance are extrapolated from those before them, less certain the farther out.

    Further curves are of the same maps under a mask, which removes noise and leaves the signal: their s is that of the first
    times a constant, which is fitted. They see the signal some shells further out. The noise that two curves share is counted
    twice, so that deviations are some 10 % too small.

    Args:
        curves: the observed curves, the first without a mask.
        modulation: (n // 2 + 1,) mean CTF^2 of the particles, which is not smooth where they share zeros; None if it is.

    Raises:
        ArgumentError: curves of fewer than five shells, not finite, of size 1 or above, or with nothing above chance.
    """
    for curve in curves:
        if len(curve.fsc) < 5 or not bool((curve.fsc[1:].abs() < 1).all()):
            raise ArgumentError("an FSC must have at least 5 shells and lie between -1 and 1 in all of them but shell 0")
        if not 0 < curve.independent_fraction <= 1:
            raise ArgumentError(f"independent_fraction={curve.independent_fraction}: a fraction in (0, 1] is needed")
    problem = _problem(curves, modulation)
    z, weight = (values.reshape(len(curves), -1).cumsum(1) for values in (problem.z * problem.weight, problem.weight))
    if float((z / weight.sqrt()).max()) < LEAST_SIGNIFICANCE:
        raise ArgumentError("the FSC is within chance: it says nothing about where the signal is; use more particles")
    fits = [_fit(problem, roughness) for roughness in ROUGHNESS]
    solution, curvature, _ = max(fits, key=lambda fit: fit[2])
    shells = len(curves[0].fsc) - 1
    deviation = torch.linalg.inv(curvature).diagonal().sqrt()
    return ShellSnr(*(torch.cat([values[:1], values[:shells]]) for values in (solution, deviation)))


def _problem(curves: Sequence[ObservedCurve], modulation: Tensor | None) -> _Problem:
    """Set up the problem; its unknowns are log s (m,) of the first curve, then the constant of each further one."""
    count, further = len(curves[0].fsc) - 1, len(curves) - 1
    same = torch.eye(count, dtype=torch.float64)
    constants = torch.eye(further + 1, dtype=torch.float64)[:, 1:].repeat_interleave(count, 0)
    second = torch.nn.functional.pad(same.diff(dim=0).diff(dim=0), (0, further))
    known = torch.zeros(count + further, dtype=torch.float64)
    if modulation is not None:
        known[:count] = modulation[1:].double().log()
    return _Problem(
        z=torch.cat([torch.atanh(curve.fsc[1:].double()) for curve in curves]),
        weight=torch.cat([curve.chance()[1:] ** -2 for curve in curves]),
        design=torch.cat([same.repeat(len(curves), 1), constants], dim=1),
        second=second,
        known=known,
    )


def _fit(problem: _Problem, roughness: float) -> tuple[Tensor, Tensor, float]:
    """Return x (p,), the objective's curvature (p, p) and the logarithm of the marginal likelihood.

    Levenberg-Marquardt steps on ``sum weight (z - log(1 + 2 s) / 2)^2 + |second (x - known)|^2 / roughness^2``.
    """
    smoothness = problem.second.T @ problem.second / roughness**2

    def objective(x: Tensor) -> float:
        misfit = problem.z - torch.log1p(2 * (problem.design @ x).exp()) / 2
        rough = x - problem.known
        return float((problem.weight * misfit**2).sum() + rough @ smoothness @ rough)

    def curvature_and_gradient(x: Tensor) -> tuple[Tensor, Tensor]:
        log_snr = problem.design @ x
        slope = torch.sigmoid(log_snr + math.log(2)) / 2
        misfit = problem.z - torch.log1p(2 * log_snr.exp()) / 2
        curvature = problem.design.T @ ((problem.weight * slope**2)[:, None] * problem.design) + smoothness
        return curvature, problem.design.T @ (problem.weight * slope * misfit) - smoothness @ (x - problem.known)

    # Starts from each shell by itself, and at chance for those within chance.
    alone = torch.log(torch.expm1(2 * torch.maximum(problem.z, problem.weight**-0.5)) / 2)
    x = torch.linalg.lstsq(problem.design, alone[:, None]).solution[:, 0]
    value, damping = objective(x), 1.0
    for _ in range(MAX_ITERATIONS):
        curvature, gradient = curvature_and_gradient(x)
        candidate = x + torch.linalg.solve(curvature + damping * torch.diag(curvature.diagonal()), gradient)
        new = objective(candidate)
        if not new <= value:
            damping *= 10
            continue
        converged = value - new < RELATIVE_TOLERANCE * (1 + value)
        x, value, damping = candidate, new, damping / 10
        if converged:
            break
    curvature, _ = curvature_and_gradient(x)
    evidence = -value / 2 - len(problem.second) * math.log(roughness) - float(torch.logdet(curvature)) / 2
    return x, curvature, evidence
