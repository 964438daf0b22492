"""What a model states, besides its weights, about the images it was trained on."""

from __future__ import annotations

import json
from pathlib import Path

import torch

from cryosense import fourier
from cryosense.data import ParticleStack, Scaling
from cryosense.denoisers.pipelines import FACTS


def write_facts(folder: Path, images: ParticleStack, scaling: Scaling, chunk_size: int) -> None:
    """Write what the scaled images of a stack are: box and pixel size, scaling, mean level and radial power spectrum.

    Of images of several pixel sizes the lowest and the highest are stated.

    The spectrum is the mean of ``|F (x - mean)|^2`` (unitary transform) over each shell, corners included. With it a Gaussian
    model of the same images can be made (``cryosense.denoisers.open_gaussian``), the control for the trained one.
    """
    n, count, sizes = images.box_size, len(images), images.pixel_size_range_angstrom
    level = sum(float(scaling(chunk)[0].double().sum()) for _, chunk in images.chunks(chunk_size)) / (count * n**2)
    power = torch.zeros(n, n, dtype=torch.float64)
    for _, chunk in images.chunks(chunk_size):
        scaled, _, _ = scaling(chunk)
        power += fourier.fftn(scaled.double() - level).abs().square().sum((0, 1))
    shells = fourier.shell_index(n).flatten()
    sums = torch.zeros(int(shells.max()) + 1, dtype=torch.float64).index_add_(0, shells, power.flatten())
    facts = {
        "box_size": n,
        "pixel_size_angstrom": sizes[0] if sizes is not None and sizes[0] == sizes[1] else sizes,
        "scaling": scaling.describe(),
        "particles": count,
        "mean": level,
        "spectrum": (sums / torch.bincount(shells) / count).tolist(),
    }
    (folder / FACTS).write_text(json.dumps(facts, indent=1) + "\n")
