"""What all samplers share: noise levels of spaced timesteps, the start, the step from one level to the next.

Samplers work on z = x_t / sqrt(abar_t) = x_0 + sigma n with sigma^2 = (1 - abar_t) / abar_t, in which the schedule is nothing
but a falling noise level; only the call of the denoiser knows about abar_t.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from cryosense.errors import ArgumentError

Denoise = Callable[[Tensor, int], Tensor]
NoiseDraw = Callable[[int], Tensor]


class RowOperator(Protocol):
    """y = A x with A = U D V^T, as far as samplers use it: c = D^-1 U^T y are V^T x plus noise of deviation ``noise_std``."""

    def __call__(self, x: Tensor) -> Tensor:
        """(b, 1, n, n) -> (b, ...): A x."""

    def adjoint(self, y: Tensor) -> Tensor:
        """(b, ...) -> (b, 1, n, n): A^T y."""

    def row_coordinates(self, y: Tensor) -> Tensor:
        """(b, ...) -> (b, ...): c = D^-1 U^T y."""

    def row_forward(self, x: Tensor) -> Tensor:
        """(b, 1, n, n) -> (b, ...): V^T x, zero in coordinates that are not measured."""

    def row_adjoint(self, c: Tensor) -> Tensor:
        """(b, ...) -> (b, 1, n, n): V c."""

    @property
    def row_noise_gain(self) -> Tensor:
        """(1 or b, ...): D^-1, zero in coordinates that are not measured."""


class Task(NamedTuple):
    """What there is to sample from: a prior, a measurement, a schedule, the draws."""

    denoise: Denoise  # (b, 1, n, n), t -> (b, 1, n, n): E[x_0 | x_t]
    operator: RowOperator  # A
    y: Tensor  # (b, ...): A x + noise
    noise_std: Tensor  # (1 or b, ...): of the measurement noise, in row coordinates; zero where there is none
    timesteps: Tensor  # (S,) integers, falling, as a diffusers scheduler gives them, in any spacing
    alphas_cumprod: Tensor  # (T,): abar_t of the model's schedule
    noise: NoiseDraw  # i -> (b, 1, n, n): standard normal draw number i
    start: Tensor | None = None  # (b, 1, n, n): image that is noised to the first timestep; None starts from noise alone

    def levels(self) -> list[Level]:
        """-> the steps of the schedule, see :func:`levels`."""
        return levels(self.timesteps, self.alphas_cumprod)


@dataclass(frozen=True)
class Level:
    """One step of a sampler: from noise variance ``variance`` of z to ``next_variance``, which is 0 in the last step."""

    index: int  # of the step
    count: int  # of steps
    t: int
    scale: Tensor  # (): sqrt(abar_t), x_t = scale z
    variance: Tensor  # (): sigma^2
    next_variance: Tensor  # ()

    def denoised(self, denoise: Denoise, z: Tensor) -> Tensor:
        """(b, 1, n, n) -> (b, 1, n, n): E[x_0 | z]."""
        return denoise(self.scale.to(z) * z, self.t)


def levels(timesteps: Tensor, alphas_cumprod: Tensor) -> list[Level]:
    """(S,), (T,) -> the steps t_0 -> t_1 -> ... -> t_(S-1) -> clean image; their scalars in float64.

    Raises:
        ArgumentError: if there is no timestep, if they do not fall, or if they do not belong to the schedule.
    """
    steps, length = timesteps.tolist(), len(alphas_cumprod)
    if not steps or steps[-1] < 0 or steps[0] >= length or any(a <= b for a, b in pairwise(steps)):
        raise ArgumentError(
            f"timesteps={steps}: integers that fall from at most {length - 1} to at least 0 are needed, as a scheduler's "
            "set_timesteps gives them for the schedule that the model was trained with"
        )
    abar = alphas_cumprod.detach().cpu().double()[steps]
    variances = torch.cat([(1 - abar) / abar, abar.new_zeros(1)])
    return [Level(i, len(steps), t, abar[i].sqrt(), variances[i], variances[i + 1]) for i, t in enumerate(steps)]


def noised(start: Tensor | None, level: Level, noise: NoiseDraw) -> Tensor:
    """-> (b, 1, n, n): z at the first level, ``start`` plus noise.

    Without a start, x_t is white noise of unit deviation, which is what it is at the end of a schedule.
    """
    n = noise(0)
    if start is None:
        return n / level.scale.to(n)
    return start + level.variance.sqrt().to(n) * n


def bridge(z: Tensor, x0: Tensor, variance: Tensor, next_variance: Tensor, eta: float, noise: Tensor) -> Tensor:
    """(b, ...) z, x0 and unit noise -> (b, ...): z at the next level, given x_0.

    ``eta`` = 1 is the ancestral DDPM step between any two timesteps (diffusers' ``fixed_small`` variance), 0 the deterministic
    DDIM step (Song et al. 2021, eq. 12). Each has the marginals of the diffusion if x_0 is what z was made from.
    """
    fresh = eta**2 * next_variance * (variance - next_variance) / variance
    keep = ((next_variance - fresh).clamp_min(0) / variance).sqrt()
    return x0 + keep.to(z) * (z - x0) + fresh.sqrt().to(z) * noise


def solved_rows(x0: Tensor, operator: RowOperator, c: Tensor, noise_std: Tensor, variance: Tensor) -> Tensor:
    """(b, 1, n, n), (b, ...) -> (b, 1, n, n): argmin_x |(V^T x - c) / noise_std|^2 + |x - x0|^2 / variance, exactly.

    The proximal map of the data term in the metric of its noise: the operator's ``data_step`` where that is white, the
    projection onto {x: V^T x = c} where there is none.
    """
    gain = (variance / (variance + noise_std**2)).to(x0)
    return x0 + operator.row_adjoint(gain * (c - operator.row_forward(x0)))
