"""How strong the reference is in the images, and the power of their noise, from some of the particles themselves."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from cryosense.alignment.coefficients import Disc, Observed, matched
from cryosense.alignment.polish import polished
from cryosense.alignment.posterior import starts
from cryosense.alignment.reference import Reference
from cryosense.alignment.search import PoseSearch
from cryosense.errors import CryosenseError

ROUNDS = 2
LEAST_NOISE = 1e-6  # of a shell's power, where images hold no noise
AT_ONCE = 16


class Calibration(NamedTuple):
    """Amplitude of the reference in the images, and noise power of each shell (limit + 1,) in the images' units."""

    amplitude: float
    noise_power: Tensor


@torch.no_grad()
def calibrated(particles: Observed, search: PoseSearch) -> Calibration:
    """Return, from some hundred particles, the amplitude and noise with which all particles are matched.

    The search has ``free_amplitude``. Poses are first found with the images' whole power taken for the noise; then the
    amplitude is the least-squares one of all particles at their best poses, and the noise is what is left. A second round
    starts from that noise, which includes what a quantiser or the measurement added.

    Raises:
        CryosenseError: nothing measured at all, or images in which the reference is not seen.
    """
    noise = _power(particles, search.reference.disc)
    found = Calibration(1.0, noise)
    for _ in range(ROUNDS):
        parts = torch.arange(len(particles.spectrum), device=noise.device).split(AT_ONCE)
        models = torch.cat([_models(of_rows(particles, rows), found.noise_power, search) for rows in parts])
        found = _explained(particles, models, found.noise_power, search.reference.disc)
    return found


@torch.no_grad()
def calibrated_at(
    particles: Observed, reference: Reference, rotations: Tensor, origins_pixels: Tensor, amplitude: float | None
) -> Calibration:
    """Calibrate as ``calibrated`` does, at known poses (b, 3, 3), (b, 2); a known amplitude stays as it is."""
    disc = reference.disc
    models = reference(rotations.float(), len(disc.shells)) * disc.phases(origins_pixels, len(disc.shells))
    found = _explained(particles, models, _power(particles, disc), disc, amplitude)
    return _explained(particles, models, found.noise_power, disc, amplitude)


def _power(particles: Observed, disc: Disc) -> Tensor:
    """Return the mean power of what was measured in each shell, (limit + 1,); if nothing was, the largest, which is unused.

    Raises:
        CryosenseError: nothing measured at all.
    """
    total = disc.shell_sum(particles.spectrum.abs() ** 2).sum(0) / _seen(particles, disc)
    if not bool((total > 0).any()):
        raise CryosenseError(
            f"nothing was measured inside {disc.limit} Fourier pixels in any of {len(particles.spectrum)} particles"
        )
    return torch.where(total > 0, total, total.max())


def _seen(particles: Observed, disc: Disc) -> Tensor:
    return disc.shell_sum(particles.share.expand(particles.spectrum.shape)).sum(0).clamp_min(1e-12)


def _explained(particles: Observed, models: Tensor, noise: Tensor, disc: Disc, amplitude: float | None = None) -> Calibration:
    """Return the least-squares amplitude of models (b, k), the reference at each pose, and the noise that they leave."""
    numerator, weight = matched(particles, noise[disc.shells])
    cross, norm = (numerator.conj() * models).real.sum(), (weight * models.abs() ** 2).sum()
    if amplitude is None and not cross > 0:
        raise CryosenseError("the reference is not seen in the images: does it have the contrast of the particles?")
    found = float(cross / norm) if amplitude is None else amplitude
    left = particles.spectrum - particles.share * particles.ctf * found * models
    power = disc.shell_sum(left.abs() ** 2).sum(0) / _seen(particles, disc)
    total = _power(particles, disc)
    return Calibration(found, torch.where(power > 0, torch.maximum(power, LEAST_NOISE * total), total))


def of_rows(particles: Observed, rows: Tensor) -> Observed:
    """Return only these rows of the particles; what has a single row for all particles keeps it."""
    return Observed(particles.spectrum[rows], *(part[rows] if len(part) > 1 else part for part in particles[1:]))


def _models(particles: Observed, noise: Tensor, search: PoseSearch) -> Tensor:
    """Return the reference at the best pose of each particle, without CTF, (b, k)."""
    reference, disc = search.reference, search.reference.disc
    data = matched(particles, noise[disc.shells])
    rotations, origins = starts(search(data), search.levels[-1].order, 1)
    model = _projected(search, rotations[:, 0], origins[:, 0])
    amplitude = (data.numerator.conj() * model).real.sum(-1) / (data.weight * model.abs() ** 2).sum(-1).clamp_min(1e-30)
    best = polished(reference, data.scaled(amplitude[:, None]), rotations, origins)
    return _projected(search, best.rotations, best.origins_pixels)


def _projected(search: PoseSearch, rotations: Tensor, origins_pixels: Tensor) -> Tensor:
    disc: Disc = search.reference.disc
    count = len(disc.shells)
    return search.reference(rotations.float(), count) * disc.phases(origins_pixels, count)
