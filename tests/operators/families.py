"""One instance of every mask family, for the laws that all operators must obey."""

from functools import partial

import torch

from cryosense.measurement import Design, FourierDesign, PixelDesign
from cryosense.operators import LinearOperator, masks

PIXEL = {
    "random_binary": partial(masks.random_binary, keep_probability=0.5),
    "random_gaussian": masks.random_gaussian,
    "checkerboard": partial(masks.checkerboard, cell_pixels=4, keep_probability=0.5),
    "superres": masks.superres,
}
FOURIER = {
    "uniform": masks.uniform,
    "variable_density": partial(masks.variable_density, keep_probability_per_shell=[1.0, 1.0, 0.8, 0.6, 0.5, 0.5, 0.4] * 20),
    "ring": partial(masks.ring, bands=20, width_fraction=0.25),
    "radial": partial(masks.radial, sectors=100),
}


def designs(per_particle: bool) -> dict[str, Design]:
    """-> every family, at several block sizes and compressions, symmetric and not."""
    found: dict[str, Design] = {}
    for block_size, compression in ((2, 1.0), (2, 2.0), (4, 2.0), (8, 1.25), (16, 10.0)):
        for name, family in PIXEL.items():
            found[f"pixel-{name}-K{block_size}-C{compression}"] = PixelDesign(
                family, block_size, compression, per_particle, seed=3
            )
    for symmetric in (True, False):
        for name, family in FOURIER.items():
            found[f"fourier-{name}-{'symmetric' if symmetric else 'paper'}"] = FourierDesign(
                family, symmetric, 2.5, per_particle, seed=3
            )
    return found


def operator(design: Design, box_size: int, count: int) -> LinearOperator:
    """-> the design's operator for ``count`` particles, in float64."""
    return design.build(design.operator(box_size, torch.arange(count)).masks.double())


def dense(a: LinearOperator, particle: int, particles: int) -> torch.Tensor:
    """-> (measurements, n^2): the matrix of ``a`` for one of its particles, column by column."""
    n = a.box_size
    basis = torch.eye(n * n, dtype=torch.float64).reshape(n * n, 1, 1, n, n)
    if particles == 1:
        return a(basis[:, 0]).flatten(1).T
    return torch.stack([a(unit.expand(particles, 1, n, n))[particle].flatten() for unit in basis[:, 0]], dim=1)
