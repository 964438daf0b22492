"""What a chain is made into: a symmetric assembly, docked from outside until it touches, or a part cut out of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from cryosense.volumes.symmetry import point_group

from .chains import Chain, Points

# C-alphas of different subunits come no closer: in the PDB's interfaces few do, for side chains stand between them.
CLASH_ANGSTROM = 6.0
STEP_ANGSTROM = 1.0
LEAST_PART_RESIDUES = 60
LARGEST_PART = 0.7


def assembled(chain: Chain, symmetry: str, rng: np.random.Generator) -> tuple[Points, NDArray[np.float64]]:
    """Return positions (g m, 3) and weights (g m,) of g copies of a chain (m,) under a point group, "C2" to "D7", z its axis.

    The chain is turned at random and moved in along x until one step more would bring C-alphas of two copies within
    CLASH_ANGSTROM; for D groups the ring so made is then lifted from z = 0 by as much as its other half needs.

    Raises:
        ArgumentError: no name of a point group.
    """
    group = point_group(symmetry).numpy()
    turned = Rotation.random(random_state=rng).apply(chain.positions - chain.positions.mean(0))
    alpha = turned[chain.alpha]
    reach = 2 * float(np.linalg.norm(alpha, axis=1).max()) + CLASH_ANGSTROM
    order = sum(bool(np.allclose(rotation[2], [0, 0, 1])) for rotation in group)
    ring, others = group[1:order], group[order:]
    if order > 1:
        turned = turned + _touching(alpha, ring, reach / (2 * np.sin(np.pi / order)), np.array([1.0, 0.0, 0.0]))
        alpha = turned[chain.alpha]
    if len(others):
        turned = turned + _touching(alpha, others, reach, np.array([0.0, 0.0, 1.0]))
    return np.concatenate([turned @ rotation.T for rotation in group]), np.tile(chain.weights, len(group))


def _touching(alpha: Points, rotations: Points, farthest: float, direction: Points) -> Points:
    """Return the smallest shift along ``direction``, seen from outside, at which no copy of ``alpha`` (r, 3) touches it."""
    kept = farthest
    for distance in np.arange(farthest, -STEP_ANGSTROM, -STEP_ANGSTROM):
        moved = alpha + distance * direction
        tree = cKDTree(moved)
        nearest = min(tree.query(moved @ rotation.T, distance_upper_bound=CLASH_ANGSTROM)[0].min() for rotation in rotations)
        if nearest < CLASH_ANGSTROM:
            break
        kept = float(distance)
    return kept * direction


def cropped(chain: Chain, rng: np.random.Generator) -> Chain:
    """Return a compact part: the residues nearest to one drawn at random, 60 at least and at most 70 % of the chain."""
    residues = len(chain.alpha)
    most = max(LEAST_PART_RESIDUES, int(LARGEST_PART * residues))
    size = min(residues, int(rng.integers(LEAST_PART_RESIDUES, most + 1)))
    alpha = chain.positions[chain.alpha]
    distance = np.linalg.norm(alpha - alpha[rng.integers(residues)], axis=1)
    return chain.part(np.sort(np.argsort(distance, kind="stable")[:size]))
