"""The methods of the study: linear rivals and TV, which saw clean images of the same molecule, and what was learned."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache, lru_cache, partial
from typing import Any

import torch
from molecules import Particles
from torch import Tensor

from cryosense import fourier
from cryosense.denoisers import CleanGaussianFromImages
from cryosense.measurement import Design, FourierDesign, Measurement, PixelDesign
from cryosense.metrics import psnr
from cryosense.operators import masks
from cryosense.priors import TotalVariation
from cryosense.reconstructors import LearnedPosterior, Sparse, Unrolled, Wiener
from cryosense.reconstructors.seen import level_kept
from cryosense.reconstructors.unrolled.reconstructor import folder_of

LEARNED, POSTERIOR, TV = "learned", "posterior mean", "TV"
OF_LEARNED = (LEARNED, POSTERIOR)  # the model of learned_path
ONE_MOLECULE = "shipped:one_molecule"
TV_TUNED_ON = 8  # particles
TV_BEGINS, TV_FACTOR = 0.4, 1.5  # weight over the mean diagonal of A^T A, and how far apart those are that are tried

Method = Callable[[Measurement], Tensor]


def design(family: str, domain: str, compression: float, own: bool, seed: int) -> Design:
    """-> which operator measures which particle."""
    kind = {"fourier": partial(FourierDesign, symmetric=True), "pixel": partial(PixelDesign, block_size=4)}[domain]
    return kind(getattr(masks, family), compression=compression, per_particle=own, seed=seed)


def wiener(known: Particles) -> Method:
    """-> the Wiener filter of the cross-spectrum of images and clean images."""
    method = Wiener()
    method.fit(known.images, known.clean)
    return lambda measurement: method(measurement).x


def wiener_with_ctf(known: Particles) -> Method:
    """-> the best linear estimate that knows each particle's CTF: the exact posterior mean of denoiser=gaussian_clean."""
    model, noise = CleanGaussianFromImages().split(known.images, known.clean, level_kept(known.ctf))

    def estimated(measurement: Measurement) -> Tensor:
        assert measurement.ctf is not None
        parts = (measurement.part(torch.tensor([i])) for i in range(len(measurement.y)))
        return torch.cat([_one(part, model.mean, model.spectrum, noise) for part in parts])

    return estimated


def _one(measurement: Measurement, mean: float, spectrum: Tensor, noise: Tensor) -> Tensor:
    assert measurement.ctf is not None
    y, operator = measurement.y, measurement.operator
    transfer = _whole_plane(level_kept(measurement.ctf)[0, 0].double(), operator.box_size)
    signal = spectrum * transfer**2
    level = y.new_full((1, 1, operator.box_size, operator.box_size), mean)
    found = operator.stationary_posterior_mean(y - operator(level), signal + noise, measurement.noise_std)[0]
    gain = fourier.centred_to_half_plane(signal / (signal + noise)).to(y)
    return mean + fourier.filtered(found, gain)


def _whole_plane(half: Tensor, n: int) -> Tensor:
    """-> the centred plane (n, n) of a transfer function that is given on the half plane."""
    point = torch.zeros(1, 1, n, n, dtype=half.dtype)
    point[..., n // 2, n // 2] = 1
    return (fourier.fftn(fourier.filtered(point, half)) / fourier.fftn(point))[0, 0].real


def tv(known: Particles) -> Method:
    """-> total variation, each time with the weight at which other particles, through the same masks, are nearest to clean."""

    def estimated(measurement: Measurement) -> Tensor:
        solver, few = Sparse(TotalVariation()), torch.arange(min(TV_TUNED_ON, len(known.images), len(measurement.y)))
        operator, asked = measurement.operator.part(few), known.part(slice(len(few)))
        seen = Measurement(operator(asked.images), operator)

        @cache
        def score(step: int) -> float:
            weight = TV_BEGINS * TV_FACTOR**step * measurement.operator.mean_diagonal
            return float(psnr(solver.with_weight(weight)(seen).x, asked.clean).mean())

        best = climbed(score)
        return solver.with_weight(TV_BEGINS * TV_FACTOR**best * measurement.operator.mean_diagonal)(measurement).x

    return estimated


def climbed(score: Callable[[int], float]) -> int:
    """-> the whole number, reached from 0, whose neighbours do not score more: a grid without ends."""
    best = 0
    while (higher := max((best, best + 1, best - 1), key=score)) != best:
        best = higher
    return best


@lru_cache(maxsize=4)
def _opened(kind: type[Unrolled], path: str | None, **settings: Any) -> Unrolled:
    return kind(path, **settings)


def learned(path: str | None, known: Particles) -> Method:
    """-> a learned solver, told what its training was told; it learns nothing of this molecule."""
    del known
    return lambda measurement: _opened(Unrolled, path)(measurement).x


def posterior_mean(path: str | None, samples: int, known: Particles) -> Method:
    """-> the mean of samples of the same network, told the same."""
    del known
    return lambda measurement: _opened(LearnedPosterior, path, samples=samples)(measurement).x


def version(study: Any, method: str) -> str:
    """-> what tells one learned model from another: the first digits of the hash of its files; nothing of other methods."""
    if method not in OF_LEARNED:
        return ""
    digest = hashlib.sha256()
    for path in sorted(each for each in folder_of(study.learned_path).rglob("*") if each.is_file()):
        digest.update(path.read_bytes())
    return f"{digest.hexdigest()[:12]}{f', {study.samples} samples' if method == POSTERIOR else ''}"


def methods(study: Any) -> dict[str, Callable[[Particles], Method]]:
    """-> by name, what makes a method of particles whose clean images are known."""
    return {
        "Wiener": wiener,
        "Wiener, CTF known": wiener_with_ctf,
        TV: tv,
        "one molecule": partial(learned, ONE_MOLECULE),
        LEARNED: partial(learned, study.learned_path),
        POSTERIOR: partial(posterior_mean, study.learned_path, study.samples),
    }
