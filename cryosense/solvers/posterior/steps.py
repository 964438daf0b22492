"""What all samplers share: noise levels of spaced timesteps, the start, and the step from one level to the next.

Samplers work on ``z = x_t / sqrt(abar_t) = x_0 + sigma n`` with ``sigma^2 = (1 - abar_t) / abar_t``, for which the schedule
is just a falling noise level; only the call of the denoiser involves abar_t.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from cryosense.errors import ArgumentError
from cryosense.solvers.posterior.imaging import PLAIN, Imaging

Denoise = Callable[[Tensor, int], Tensor]
NoiseDraw = Callable[[int], Tensor]


class RowOperator(Protocol):
    """An operator ``A = U D V^T`` as far as samplers use it: ``c = D^-1 U^T y`` is ``V^T x`` plus noise of known deviation."""

    def __call__(self, x: Tensor) -> Tensor:
        """Return ``A x``, (b, ...), for images (b, 1, n, n)."""

    def adjoint(self, y: Tensor) -> Tensor:
        """Return ``A^T y``, (b, 1, n, n)."""

    def row_coordinates(self, y: Tensor) -> Tensor:
        """Return ``c = D^-1 U^T y``, (b, ...)."""

    def row_forward(self, x: Tensor) -> Tensor:
        """Return ``V^T x``, (b, ...); zero in coordinates that are not measured."""

    def row_adjoint(self, c: Tensor) -> Tensor:
        """Return ``V c``, (b, 1, n, n)."""

    def row_filter(self, gain: Tensor) -> Tensor | None:
        """Return what ``V^T F^H diag(gain) F V`` multiplies row coordinates by, (1 or b, ...), None where it mixes them."""

    @property
    def row_noise_gain(self) -> Tensor:
        """``D^-1``, (1 or b, ...); zero in coordinates that are not measured."""


class Task(NamedTuple):
    """What to sample from: a prior, a measurement, a schedule and the random draws."""

    denoise: Denoise  # (b, 1, n, n), t -> (b, 1, n, n): E[x_0 | x_t]
    operator: RowOperator  # A
    y: Tensor  # (b, ...): A x + noise
    noise_std: Tensor  # (1 or b, ...): of the measurement noise, in row coordinates; zero where there is none
    timesteps: Tensor  # (S,) falling integers, as from a diffusers scheduler, in any spacing
    alphas_cumprod: Tensor  # (T,): abar_t of the model's schedule
    noise: NoiseDraw  # i -> (b, 1, n, n): standard normal draw number i
    start: Tensor | None = None  # (b, 1, n, n): image that is noised to the first timestep; None starts from noise alone
    imaging: Imaging = PLAIN  # how x becomes the image that A measures; only ``pigdm`` knows another one

    def levels(self) -> list[Level]:
        """Return the steps of the schedule; see the function ``levels``."""
        return levels(self.timesteps, self.alphas_cumprod)

    def plain(self, sampler: str) -> list[Level]:
        """Return ``levels`` for a sampler that takes x itself to be measured. Raises ArgumentError where it is not."""
        if not self.imaging.is_plain:
            raise ArgumentError(
                f"sampler {sampler} does not know images seen through a transfer function or in noise: pigdm does"
            )
        return self.levels()


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
        """Return E[x_0 | z], (b, 1, n, n)."""
        return denoise(self.scale.to(z.dtype) * z, self.t)


def levels(timesteps: Tensor, alphas_cumprod: Tensor) -> list[Level]:
    """Return the steps from each timestep to the next and from the last to the clean image, with scalars in float64.

    Scalars stay on the CPU, where an operation on a device takes them along: to copy one there would be to wait for it.

    Args:
        timesteps: (S,) falling integers.
        alphas_cumprod: (T,) abar_t of the schedule.

    Raises:
        ArgumentError: no timesteps, timesteps that do not fall, or some that are not in the schedule.
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
    """Return z at the first level, (b, 1, n, n): ``start`` plus noise.

    Without a start, x_t is white noise of unit standard deviation, as it is at the end of a schedule.
    """
    n = noise(0)
    if start is None:
        return n / level.scale.to(n.dtype)
    return start + level.variance.sqrt().to(n.dtype) * n


def bridge(z: Tensor, x0: Tensor, variance: Tensor, next_variance: Tensor, eta: float, noise: Tensor) -> Tensor:
    """Return z at the next level, (b, ...), from z, x_0 and unit noise at this one.

    ``eta`` = 1 is the ancestral DDPM step between any two timesteps (diffusers' ``fixed_small`` variance), 0 the deterministic
    DDIM step (Song et al. 2021, eq. 12). Each has the marginals of the diffusion if z was made from x_0.
    """
    fresh = eta**2 * next_variance * (variance - next_variance) / variance
    keep = ((next_variance - fresh).clamp_min(0) / variance).sqrt()
    return x0 + keep.to(z.dtype) * (z - x0) + fresh.sqrt().to(z.dtype) * noise


def solved_rows(x0: Tensor, operator: RowOperator, c: Tensor, noise_std: Tensor, variance: Tensor) -> Tensor:
    """Return ``argmin_x |(V^T x - c) / noise_std|^2 + |x - x0|^2 / variance``, (b, 1, n, n), exactly.

    This is the proximal map of the data term in the metric of its noise: the operator's ``data_step`` where the noise is
    white, and the projection onto the images with ``V^T x = c`` where there is none.
    """
    gain = (variance / (variance + noise_std**2)).to(x0)
    return x0 + operator.row_adjoint(gain * (c - operator.row_forward(x0)))
