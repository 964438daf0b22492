"""What the measurements hold, whatever reconstructs them: the most likely state by the true maps, poses and CTFs."""

from __future__ import annotations

from pathlib import Path

import mrcfile
import numpy as np
import pandas as pd
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from scipy.stats import spearmanr
from torch import Tensor

from cryosense import fourier
from cryosense.data import ParticleStack
from cryosense.operators import LinearOperator
from cryosense.tasks.maps.alignments import Alignments
from cryosense.volumes.poses import origin_phases
from cryosense.volumes.project import Projector

NOISE_DEVIATION = 1.0  # of simulated particles
PAD_FACTOR = 2  # of the projections that the data were made of


def recovered_states(data: Path, run: Path | None) -> dict[str, float]:
    """-> the share of particles whose state is the most likely, or of many states the rank correlation of the mean angle."""
    labels = pd.read_csv(data / "labels.csv")
    probabilities = state_probabilities(data, run)
    if probabilities.shape[1] == 2:
        return {"label_transfer": float((probabilities.argmax(1) == labels["state"]).mean())}
    angles = labels.groupby("state")["hinge_angle_deg"].first().to_numpy()
    return {"spearman": float(spearmanr(probabilities @ angles, labels["hinge_angle_deg"]).statistic)}


def state_probabilities(data: Path, run: Path | None) -> np.ndarray:
    """-> (n, states): how probable each state is, given what the masks of a run measured of each particle; None: everything.

    White noise in the image is white in the range of A^+ A, so that the likelihood of a state is that of the distance there.
    """
    stack = ParticleStack.open(data / "particles.star")
    templates = projections(data, stack)
    images = stack[:]
    if run is not None:
        design = instantiate(OmegaConf.load(run / "config.yaml").operator)
        operator: LinearOperator = design.operator(stack.box_size, torch.arange(len(stack)))
        images = operator.pinv(operator(images))
        templates = torch.stack([operator.pinv(operator(of_state)) for of_state in templates])
    squares = ((images - templates) ** 2).flatten(2).double().sum(-1)
    return torch.softmax(-squares / (2 * NOISE_DEVIATION**2), dim=0).T.numpy()


def projections(data: Path, stack: ParticleStack) -> Tensor:
    """-> (states, n, 1, box, box): the clean image that each particle would be in each state."""
    paths = sorted(data.glob("volume_*.mrc"))
    volumes = torch.stack([torch.from_numpy(mrcfile.read(path)) for path in paths])
    projector, known = Projector(volumes, PAD_FACTOR), Alignments.of(stack, with_ctf=True)
    everyone = torch.arange(len(stack))
    factors = origin_phases(known.origins_angstrom.float(), stack.box_size, known.pixel_size_angstrom)
    ctf = known.ctf(everyone)
    if ctf is not None:
        factors = factors * ctf
    rotations = known.rotations(everyone)
    of_states = [projector(rotations, torch.full_like(everyone, state)) * factors for state in range(len(volumes))]
    return torch.stack([fourier.from_half_plane(spectra, stack.box_size)[:, None] for spectra in of_states])
