"""The likelihood of poses, as products over coefficients, many rotations and shifts at a time.

For noise of known power the logarithm of the likelihood of pose (R, t), less that of an image without a particle, is

    log L = sum over k of 2 Re(conj(c w y)_k s_k(t) P_k(R)) - c_k^2 w_k |P_k(R)|^2

over one of each Friedel pair, with y the image, c its CTF, w = measured share / noise power, P the reference's projection
and s the phases of the shift.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from cryosense.alignment.coefficients import Matched


class Terms(NamedTuple):
    """Terms that broadcast: ``cross``, twice the real part of the product, and ``norm``; log L = cross - norm."""

    cross: Tensor
    norm: Tensor

    def log_likelihood(self, free_amplitude: bool) -> Tensor:
        """Return log L; with ``free_amplitude``, at the best non-negative amplitude of the reference for each pose."""
        if free_amplitude:
            return self.cross.clamp_min(0) ** 2 / (4 * self.norm).clamp_min(1e-30)
        return self.cross - self.norm


def moved(numerator: Tensor, phases: Tensor) -> Tensor:
    """Return the data (..., k) moved back by each shift, (..., t, k), given phases (t, k)."""
    return numerator[..., None, :] * phases.conj()


def terms(data: Tensor, weight: Tensor, projections: Tensor) -> Terms:
    """Return cross (..., t, r) and norm (..., 1, r) of moved data (..., t, k), weights (..., k), projections (..., r, k)."""
    return table_terms(data, weight, as_real(projections), power_of(projections))


def table_terms(data: Tensor, weight: Tensor, projections: Tensor, power: Tensor) -> Terms:
    """Return ``terms`` for projections (..., r, 2 k) real, of ``as_real``, and their power (..., r, k)."""
    cross = torch.matmul(as_real(data), projections.transpose(-1, -2))
    return Terms(2 * cross, torch.matmul(weight[..., None, :], power.transpose(-1, -2)))


def power_of(values: Tensor) -> Tensor:
    """Return the squared moduli of complex values; a sum over a last axis of two would take several times as long."""
    return values.real * values.real + values.imag * values.imag


def grid_terms(data: Tensor, weight: Tensor, projections: Tensor, power: Tensor) -> Terms:
    """Return ``terms`` for one grid, projections (r, 2 k) real and power (r, k), with which all particles are compared."""
    cross = as_real(data).flatten(0, 1) @ projections.T
    return Terms(2 * cross.unflatten(0, data.shape[:2]), (weight @ power.T)[:, None])


def as_real(values: Tensor) -> Tensor:
    """Return complex values (..., k) as real ones (..., 2 k)."""
    return torch.view_as_real(values.resolve_conj()).flatten(-2)


def restricted(particles: Matched, count: int) -> Matched:
    """Return the first ``count`` coefficients."""
    return Matched(particles.numerator[:, :count], particles.weight[:, :count])
