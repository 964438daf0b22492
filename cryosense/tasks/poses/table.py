"""Poses as columns of a STAR file: RELION's own, and others for which RELION has no name."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import torch
from torch import Tensor

from cryosense.alignment import Aligned
from cryosense.data import ParticleSource, naming_folder, write_star
from cryosense.volumes.poses import euler_angles

IMAGE = "rlnImageName"
# Of a search that these poses take the place of.
REPLACED = ("rlnOriginX", "rlnOriginY", "rlnOriginXPriorAngst", "rlnOriginYPriorAngst")
REPLACED_PRIORS = ("rlnAngleRotPrior", "rlnAngleTiltPrior", "rlnAnglePsiPrior")


def pose_columns(aligned: Aligned, pixel_size_angstrom: float) -> dict[str, Tensor]:
    """Return the columns, (b,) each, by their names in STAR files.

    RELION's: angles in degrees, origins in Angstrom, log likelihood (less that of an image without a particle), the largest
    probability of a pose, and how many poses are significant, here exp(entropy), rounded. Cryosense's: the evidence, which is
    the logarithm of the mean likelihood over poses; entropy in nats; the posterior's spread about the pose; its standard
    deviations by the curvature of the likelihood, -1 where unknown; the share of the posterior that coarser grids kept.
    """
    found = aligned.posterior
    angles = euler_angles(found.rotations)
    origins = found.origins_pixels * pixel_size_angstrom
    deviations = (aligned.deviation_deg, aligned.deviation_pixels * pixel_size_angstrom)
    angle_deviation, origin_deviation = (torch.where(d.isfinite(), d, -torch.ones_like(d)) for d in deviations)
    return {
        "rlnAngleRot": angles[:, 0],
        "rlnAngleTilt": angles[:, 1],
        "rlnAnglePsi": angles[:, 2],
        "rlnOriginXAngst": origins[:, 0],
        "rlnOriginYAngst": origins[:, 1],
        "rlnLogLikeliContribution": found.log_likelihood,
        "rlnMaxValueProbDistribution": found.maximum,
        "rlnNrOfSignificantSamples": found.effective_poses.round().long(),
        "cryosenseLogEvidence": found.log_evidence,
        "cryosensePoseEntropy": found.entropy,
        "cryosenseAngularSpread": found.angular_spread_deg,
        "cryosenseAngleDeviation": angle_deviation,
        "cryosenseOriginDeviationAngst": origin_deviation,
        "cryosenseKeptShare": found.kept_share,
    }


def write_poses(path: Path, source: ParticleSource, rows: Tensor, poses: pd.DataFrame, half_set: Tensor, root: Path) -> None:
    """Write the STAR file of particles ``rows`` (b,) of a source, with poses (b rows) and half sets (b,) 0 or 1.

    All other columns stay as they are. Images are named as seen from ``root``, where RELION is to be started; those of a
    measurement file without the stack that was measured as the table has them that it was made with.

    Raises:
        ParticleDataError: the file exists with another content.
    """
    chosen = source.images.select(rows)
    particles, optics = chosen.tables.particles, chosen.tables.optics
    known = particles.drop(columns=[name for name in (*REPLACED, *REPLACED_PRIORS) if name in particles.columns])
    found = {str(name): poses[name].to_numpy() for name in poses.columns}
    table = known.assign(**found, rlnRandomSubset=1 + half_set.numpy())
    names = table[IMAGE].astype(str).tolist() if IMAGE in table.columns else []
    if source.originals or not names:
        names = chosen.image_names(naming_folder(path, root))
    write_star(path, names, table, optics, box_size=chosen.box_size, pixel_size_angstrom=chosen.pixel_size_angstrom)
