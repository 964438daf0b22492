"""Errors of poses that information foretells, of particles and of their signs; see README.md. Writes expected.md.

A small change of a pose is seen by its slopes D in the real parts h of the coefficients, means M, both in units of the noise.
Of particles errors have the variance (D' D)^-1, the inverse of their Fisher information. A sign keeps of a coefficient's
information phi(M)^2 / (Phi(M) Phi(-M)), phi and Phi of the normal distribution: 2 / pi where M is small, little where the
particle is stronger than the noise. Matching takes decoded signs for coefficients with noise; where signs saturate, what they
are in the mean is not proportional to M, which moves the pose. Both are in errors to first order, drawn here: weights W and
amplitude a as `cryosense align` finds them at the true poses, decoded signs q of slope q' in M, error
(D' W q' D)^-1 D' W (q - a M).
"""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from analyse import FAR_DEG, errors
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from run import cell_folder, cells
from shared import HERE, POSES, aligned_words, composed, particles, words_of
from torch import Tensor

from cryosense.alignment import Aligner, Calibration, Observed
from cryosense.alignment.polish import STEP_RADIANS, turned
from cryosense.data import ParticleStack
from cryosense.tasks.poses.alignment import Alignment
from cryosense.volumes.poses import rotation_matrices

DRAWS = 40
NORMAL = torch.distributions.Normal(0.0, 1.0)


class Seen(NamedTuple):
    """What was measured of particles, and with which amplitude and noise it is matched at the true poses."""

    particles: Observed
    calibration: Calibration


def main() -> None:
    """Foretell every cell, and put what was found beside it where it has been run."""
    study = OmegaConf.merge(OmegaConf.load(HERE / "study.yaml"), OmegaConf.from_cli())
    heads = (
        "originals, degrees | signs: information alone | and saturation | expected ratio | found | found, within 20 degrees"
    )
    lines = [f"| molecule | SNR | seed | {heads} |", "| --- | --- | --- |" + " ---: |" * 6]
    for molecule, seed, snr in cells(study):
        folder, kind = cell_folder(study, molecule, snr, seed), study.molecules[molecule]
        data = particles(folder / "data", study, words_of(kind), snr, seed)
        full, information, saturation = expected(data, study, kind.symmetry)
        ratios = [f"{information:.2f} | {saturation:.2f} | {saturation / full:.2f}", *found(folder, kind.symmetry)]
        lines.append(f"| {molecule} | {snr} | {seed} | {full:.2f} | {' | '.join(ratios)} |")
    text = "\n".join(lines) + "\n"
    (Path(study.results or HERE) / "expected.md").write_text(text)
    sys.stdout.write(text)


def found(folder: Path, symmetry: str) -> tuple[str, str]:
    """-> the ratio of median errors of signs and originals, of all particles, and of those not far off; "" where not run."""
    paths = [folder / name / "particles.star" for name in ("sign", "original")]
    if not all(path.is_file() for path in paths):
        return "", ""
    signs, originals = (errors(path, folder / "data" / "particles.star", symmetry)[0] for path in paths)
    near = np.median(signs[signs < FAR_DEG]) / np.median(originals[originals < FAR_DEG])
    return f"{np.median(signs) / np.median(originals):.2f}", f"{near:.2f}"


def expected(data: Path, study: DictConfig, symmetry: str) -> tuple[float, float, float]:
    """-> expected median errors, degrees: of particles, of signs by their information, of signs as they are matched."""
    stack = ParticleStack.open(data / "particles.star")
    table = stack.metadata
    rotations = rotation_matrices(torch.tensor(table[POSES[:3]].to_numpy(dtype=float)))
    origins = torch.tensor(table[POSES[3:]].to_numpy(dtype=float)) / float(stack.pixel_size_angstrom or 1)
    plain, signs = (alignment(data, study, [f"symmetry={symmetry}", *words]) for words in ([], ["quantiser=sign"]))
    aligner = plain.aligner(plain.reference_map(), study.resolution_angstrom)
    whole, decoded = (seen(task, aligner, rotations, origins) for task in (plain, signs))
    means, slopes = projected(aligner, whole, rotations, origins)
    kept = (2 * NORMAL.log_prob(means) - torch.special.log_ndtr(means) - torch.special.log_ndtr(-means)).exp()
    generator = torch.Generator().manual_seed(0)
    exact = []
    for share in (torch.ones_like(kept), kept):
        variance = torch.linalg.inv((slopes * share[:, None]) @ slopes.transpose(1, 2))
        drawn = torch.randn(DRAWS, *variance.shape[:2], 1, dtype=torch.float64, generator=generator)
        exact.append(median_deg(torch.linalg.cholesky(variance) @ drawn))
    return exact[0], exact[1], median_deg(matched_signs(aligner, whole, decoded, means, slopes, generator))


def matched_signs(
    aligner: Aligner, whole: Seen, decoded: Seen, means: Tensor, slopes: Tensor, generator: torch.Generator
) -> Tensor:
    """-> errors (draws, b, 5, 1) of decoded signs that are matched as if they were coefficients with noise."""
    disc = aligner.disc
    shells = torch.cat([disc.shells, disc.shells])
    unit = whole.calibration.noise_power[shells].double().sqrt()  # of means and slopes
    size = hartley(decoded.particles.spectrum).double().abs()
    level = torch.stack([size[:, shells == shell].mean() for shell in range(1, disc.limit + 1)])[shells - 1]
    weight = decoded.calibration.amplitude / whole.calibration.amplitude * unit / decoded.calibration.noise_power[shells]
    weighted = slopes * weight
    rise = 2 * level * NORMAL.log_prob(means).exp()
    moves = torch.linalg.inv((weighted * rise[:, None]) @ slopes.transpose(1, 2))
    model = decoded.calibration.amplitude / whole.calibration.amplitude * unit * means
    made = []
    for _ in range(DRAWS):
        noise = torch.randn(means.shape, dtype=torch.float64, generator=generator)
        made.append(moves @ (weighted @ (level * torch.sign(means + noise) - model)[..., None]))
    return torch.stack(made)


def alignment(data: Path, study: DictConfig, words: list[str]) -> Alignment:
    """-> what ``cryosense align`` finds poses with."""
    task = instantiate(composed("align", aligned_words(data, data, study, words)).run).alignment
    images = task.images[torch.arange(len(task.images))]
    task.particles.prepare(float(images.mean()), float(images.std()))
    return task


def seen(task: Alignment, aligner: Aligner, rotations: Tensor, origins: Tensor) -> Seen:
    """-> what is measured of all particles, calibrated at their poses (b, 3, 3), (b, 2)."""
    observed = task.observed(aligner, torch.arange(len(rotations)))
    return Seen(observed, aligner.calibrate_at(observed, rotations, origins, None))


def projected(aligner: Aligner, whole: Seen, rotations: Tensor, origins: Tensor) -> tuple[Tensor, Tensor]:
    """-> means (b, 2 k) and slopes (b, 5, 2 k) along three turns and two shifts, in units of the noise."""
    disc, count = aligner.disc, len(aligner.disc.shells)
    small = turned(STEP_RADIANS * torch.eye(3, dtype=torch.float64))
    around = torch.cat([rotations[:, None], rotations[:, None] @ small], dim=1)
    slices = aligner.reference(around.float(), count) * disc.phases(origins, count)[:, None]
    moved = slices[:, :1] * (2j * math.pi / disc.box_size * disc.positions.T)
    along = torch.cat([(slices[:, 1:] - slices[:, :1]) / STEP_RADIANS, moved], dim=1)
    scale = whole.calibration.amplitude * whole.particles.ctf / whole.calibration.noise_power[disc.shells].sqrt()
    return hartley(slices[:, 0] * scale).double(), hartley(along * scale[:, None]).double()


def hartley(values: Tensor) -> Tensor:
    """-> the two Hartley coefficients of each Friedel pair, (..., 2 k), of Fourier coefficients (..., k)."""
    return torch.cat([values.real - values.imag, values.real + values.imag], dim=-1)


def median_deg(found_errors: Tensor) -> float:
    """-> the median angle of errors (..., 5, 1), three turns and two shifts."""
    return math.degrees(float(found_errors[..., :3, 0].norm(dim=-1).median()))


if __name__ == "__main__":
    main()
