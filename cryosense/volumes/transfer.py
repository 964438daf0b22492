"""From the transform of a projection to that of a particle image, and what has been done to the image since."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from cryosense.volumes.backproject import Slices


@dataclass(frozen=True)
class Treatment:
    """What was done to b images after they were recorded, (b,) bool each.

    Attributes:
        phase_flipped: coefficients were multiplied by the sign of the CTF.
        premultiplied: they were multiplied by the CTF.
    """

    phase_flipped: Tensor
    premultiplied: Tensor


def transferred(terms: Slices, ctf: Tensor, treatment: Treatment, turn: Tensor | None) -> Slices:
    """Return terms of b images, taken as slices, with their CTF (b, n, n // 2 + 1) and ``turn`` (n, n // 2 + 1) applied.

    With the CTF c, the phase factor t of odd aberrations (None for 1), a slice F and white noise e, an image is recorded as
    ``y = c t F + e``: least squares adds ``c conj(t) y`` with the weight c^2. Phase-flipped, ``y = |c| t F + e'``: it adds
    ``|c| conj(t) y`` with c^2. Premultiplied, ``y = c (c t F + e)``: it adds ``conj(t) y`` with c^2, which is the same
    numerator as before the multiplication.
    """
    flipped, premultiplied = treatment.phase_flipped[:, None, None], treatment.premultiplied[:, None, None]
    factor = torch.where(premultiplied, torch.ones_like(ctf), torch.where(flipped, ctf.abs(), ctf))
    numerator = terms.numerator * factor
    if turn is not None:
        numerator = numerator * turn.conj().to(numerator.dtype)
    return Slices(numerator, terms.weight * ctf**2)
