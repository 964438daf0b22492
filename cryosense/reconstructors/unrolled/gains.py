"""What a told solver knows of each frequency, and the small networks that make factors of it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from cryosense import fourier

FACTS = 5  # of each frequency, see ``facts_of``
OUTER = 0.75  # of Nyquist: beyond, a particle image is noise
LEAST_SNR = 1e-3  # below, nothing changes any more


class OfFrequencies(nn.Module):
    """A small network that makes one number of what is known of a frequency; 0 untrained."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(FACTS, hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU())
        self.last = nn.Linear(hidden, 1)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def extra_repr(self) -> str:
        """Return the parameters that it was made with."""
        return f"hidden={self.last.in_features}"

    def numbers(self, facts: Tensor) -> Tensor:
        """Return numbers (b, n, n // 2 + 1) given facts (b, n, n // 2 + 1, FACTS)."""
        return self.last(self.layers(facts))[..., 0]


class SpectralGain(OfFrequencies):
    """A factor for each frequency, between 0 and 2; 1 untrained."""

    def forward(self, facts: Tensor) -> Tensor:
        """Return factors (b, 1, n, n // 2 + 1) given facts (b, n, n // 2 + 1, FACTS)."""
        return 2 * torch.sigmoid(self.numbers(facts))[:, None]


class SampleShare(OfFrequencies):
    """The weight of a noisy sample at each frequency beside all else: ``1 / (1 + std^2 exp(h))``, h by the network.

    ``exp(-h)`` is the variance of what else is known there, in units of the image's own; 1 untrained.
    """

    def forward(self, facts: Tensor, std: Tensor) -> Tensor:
        """Return weights (b, 1, n, n // 2 + 1) given facts (b, n, n // 2 + 1, FACTS) and standard deviations (b,)."""
        return torch.sigmoid(-(self.numbers(facts) + 2 * std.log()[:, None, None]))[:, None]


def estimated_noise(x: Tensor, shares: Tensor) -> Tensor:
    """Return the standard deviation of white noise that explains what is measured beyond OUTER, (b,)."""
    n = x.shape[-1]
    outer = fourier.frequency_radius(n, device=x.device) > OUTER * n / 2
    power = (fourier.fftn(x)[:, 0].abs() ** 2 * outer).sum((-2, -1))
    measured = (shares * outer).sum((-2, -1))
    return (power / measured.clamp_min(1.0)).sqrt().clamp_min(1e-3)


def facts_of(x: Tensor, shares: Tensor, noise: Tensor, ctf: Tensor | None) -> Tensor:
    """Return what is known of each frequency of images (b, 1, n, n), as (b, n, n // 2 + 1, FACTS).

    The share of it that is measured; the radius, Nyquist being 1; the logarithm of the power of its shell, as far as it is
    measured, over the noise's variance; the CTF, 1 where it is not known; the logarithm of the noise's variance.
    """
    n, b = x.shape[-1], len(x)
    radius = fourier.frequency_radius(n, device=x.device)
    shell = fourier.shell_index(n, device=x.device).clamp(max=n // 2)
    power = fourier.shell_sum(fourier.fftn(x)[:, 0].abs() ** 2)
    measured = fourier.shell_sum(shares)
    variance = noise[:, None, None] ** 2
    snr = (power / measured.clamp_min(0.5))[:, shell] / variance
    seen = x.new_ones(1, 1, 1) if ctf is None else ctf[:, 0].to(x)
    planes = (shares, radius.to(x)[None] / (n / 2), snr.clamp_min(LEAST_SNR).log())
    facts = [*map(fourier.centred_to_half_plane, planes), seen, variance.log()]
    return torch.stack([fact.expand(b, n, n // 2 + 1) for fact in facts], dim=-1)
