"""The laws of a denoiser, for testing your own."""

from __future__ import annotations

import torch

from cryosense.denoisers.base import Denoiser
from cryosense.laws import equal, hold
from cryosense.seeding import standard_normals


def check_denoiser(denoiser: Denoiser, seed: int = 0, tolerance: float = 0.0) -> None:
    """Check that a denoiser obeys the laws, at the first, a middle and the last timestep of its schedule.

    The laws: a schedule that falls within (0, 1); an image for each, finite and as precise as it was; the same again; no image
    depends on others; gradients where it says so.

    Args:
        denoiser: the model.
        seed: of the images.
        tolerance: of the largest value, by which an image's rounding may depend on its batch.

    Raises:
        LawError: naming the first law that is broken.
    """
    abar, n = denoiser.alphas_cumprod, denoiser.box_size
    hold("alphas_cumprod falls with t, within (0, 1)", bool((abar.diff() < 0).all() and (abar > 0).all() and (abar < 1).all()))
    drawn = torch.from_numpy(standard_normals(seed, [(i, 0) for i in range(3)], (1, n, n)))
    for t in (0, len(abar) // 2, len(abar) - 1):
        x_t = drawn.clone()
        mean = denoiser(x_t, t)
        hold(f"t = {t}: the mean is an image like x_t, finite", mean.shape == x_t.shape and bool(mean.isfinite().all()))
        hold(f"t = {t}: the mean is as precise as x_t", mean.dtype == x_t.dtype)
        equal(f"t = {t}: x_t is left as it was", x_t, drawn, 0.0)
        equal(f"t = {t}: the same again", denoiser(x_t, t), mean, 0.0)
        equal(f"t = {t}: an image does not see its neighbours", denoiser(x_t[1:2], t), mean[1:2], tolerance)
    if denoiser.differentiable:
        moving = drawn.clone().requires_grad_()
        hold("differentiable: gradients flow from the mean to x_t", denoiser(moving, 0).requires_grad)
