"""The laws of a convex prior, for testing your own."""

from __future__ import annotations

import torch
from torch import Tensor

from cryosense.laws import equal, hold
from cryosense.priors.base import Prior
from cryosense.solvers.steps import image_sum

SOLVED = 1e-4  # of the largest value: what an iterated prox reaches
MISSED = (
    1e-2  # of how fast the distance alone changes: what an iterated prox misses, and a step wrong by a few per cent does not
)
TOWARDS_X = (0.1, 0.5, -0.1)


def check_prior(prior: Prior, box_size: int = 16, seed: int = 0, device: str | torch.device = "cpu") -> None:
    """Check that a prior obeys the laws, in float64 on random images on the device.

    The laws: it has a name, is convex and finite; no image affects another; the prox is the minimiser it claims to be, at the
    step that it was given and no other, is non-expansive, and does nothing at step 0; steps may differ from image to image.

    Raises:
        LawError: naming the first law that is broken.
    """
    generator = torch.Generator().manual_seed(seed)
    x, w = torch.randn(2, 3, 1, box_size, box_size, dtype=torch.float64, generator=generator).to(device)
    hold("it has a name, which stands in records", isinstance(getattr(prior, "name", None), str))
    value = prior(x)
    hold("one finite value for each image", value.shape == (3,) and bool(torch.isfinite(value).all()))
    for other in (w, 9 * x, -x):
        half, mean = prior((x + other) / 2), (value + prior(other)) / 2
        hold("convex, Psi((x + w) / 2) <= (Psi(x) + Psi(w)) / 2", bool((half <= mean + 1e-9 * mean.abs()).all()))
    equal("an image does not see its neighbours, Psi", prior(x)[:1], prior(torch.cat([x[:1], w[1:]]))[:1], 1e-12)
    for step in (0.03, 0.7):
        u = prior.prox(x, step)
        hold(f"the prox is an image, step = {step}", u.shape == x.shape)
        alone = prior.prox(x[:1], step)
        equal("an image does not see its neighbours, prox", u[:1], alone, 1e-9)
        reached = step * prior(u) + (u - x).flatten(1).square().sum(1) / 2
        for other in (x, w, u + 1e-2 * w, 0.9 * u):
            there = step * prior(other) + (other - x).flatten(1).square().sum(1) / 2
            hold(f"the prox is the least of step Psi(u) + |u - x|^2 / 2, step = {step}", bool((reached <= there + 1e-6).all()))
        _at_its_step(prior, x, u, step)
        apart = (prior.prox(w, step) - u).flatten(1).norm(dim=1)
        hold("the prox contracts", bool((apart <= (w - x).flatten(1).norm(dim=1) * (1 + SOLVED)).all()))
    equal("the prox at step 0 does nothing", prior.prox(x, 1e-12), x, SOLVED)
    steps = torch.tensor([0.03, 0.7, 0.2], dtype=torch.float64, device=device).reshape(3, 1, 1, 1)
    each = torch.cat([prior.prox(x[i : i + 1], float(steps[i])) for i in range(3)])
    equal("steps may differ from image to image", prior.prox(x, steps), each, 1e-9)


def _at_its_step(prior: Prior, x: Tensor, u: Tensor, step: float) -> None:
    """Check how fast the prior changes on the way from the prox towards x and away from it.

    With F(v) = step Psi(v) + |v - x|^2 / 2, which is strongly convex, F(v) >= F(u) + |v - u|^2 / 2 for all v.
    """

    def least(v: Tensor) -> Tensor:
        return step * prior(v) + image_sum((v - x).square()) / 2

    for part in TOWARDS_X:
        v = u + part * (x - u)
        missed = least(u) + image_sum((v - u).square()) / 2 - least(v)
        allowed = MISSED * abs(part) * image_sum((x - u).square()) + 1e-9
        way = "less" if part > 0 else "more"
        hold(
            f"the prox is that of its step: at step = {step}, moving {way} than it does would be better (a step of another "
            "scale, or a prox of another penalty)",
            bool((missed <= allowed).all()),
        )
