"""A compact folded chain: helices and coils of C-alpha steps, grown without clashes inside ellipsoids.

Not a model of any protein, but a made-up molecule whose density looks like one at 4-10 Å, so that a data set can be made
without a download. Helix geometry: 1.5 Å rise and 100 degrees per residue on a radius of 2.3 Å (Pauling, Corey and Branson
1951), which makes every C-alpha step 3.8 Å long, as in the coils.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

Points = NDArray[np.float64]

STEP_ANGSTROM = 3.8
CLASH_ANGSTROM = 4.2
HELIX_RISE_ANGSTROM = 1.5
HELIX_RADIUS_ANGSTROM = 2.3
HELIX_TURN_DEG = 100.0
SIDE_CHAIN_ANGSTROM = 2.4
CANDIDATES = 256
MAX_TRIALS = 5000


@dataclass(frozen=True)
class Ellipsoid:
    """Region to which a domain is confined: centre and semi-axes (3,) in Angstrom."""

    centre: Points
    semi_axes: Points

    def contains(self, points: Points) -> NDArray[np.bool_]:
        """Return whether each point (..., 3) lies inside, (...)."""
        return (((points - self.centre) / self.semi_axes) ** 2).sum(-1) <= 1.0


def _directions(rng: np.random.Generator, shape: tuple[int, ...]) -> Points:
    """Return uniform unit vectors of this shape, plus an axis of 3."""
    normal = rng.standard_normal((*shape, 3))
    return normal / np.linalg.norm(normal, axis=-1, keepdims=True)


def _helices(rng: np.random.Generator, start: Points, length: int) -> Points:
    """Return helices, (CANDIDATES, length, 3), about random axes, whose first residue is one step from ``start``."""
    axis = _directions(rng, (CANDIDATES,))
    v = np.cross(axis, _directions(rng, (CANDIDATES,)))
    v /= np.linalg.norm(v, axis=-1, keepdims=True)
    w = np.cross(axis, v)
    residue = np.arange(length)
    turn = np.deg2rad(HELIX_TURN_DEG) * residue
    ring = HELIX_RADIUS_ANGSTROM * (np.cos(turn)[:, None] * v[:, None] + np.sin(turn)[:, None] * w[:, None])
    path = ring + HELIX_RISE_ANGSTROM * residue[:, None] * axis[:, None]
    first = start + STEP_ANGSTROM * _directions(rng, (CANDIDATES,))
    return first[:, None] + path - path[:, :1]


def _coils(rng: np.random.Generator, start: Points, length: int) -> Points:
    """Return persistent walks of C-alpha steps from ``start``, (CANDIDATES, length, 3)."""
    heading = _directions(rng, (CANDIDATES,))
    steps = []
    for _ in range(length):
        heading = heading + 0.6 * _directions(rng, (CANDIDATES,))
        heading /= np.linalg.norm(heading, axis=-1, keepdims=True)
        steps.append(heading)
    return start + STEP_ANGSTROM * np.cumsum(np.stack(steps, axis=1), axis=1)


def _best(candidates: Points, grown: Points, region: Ellipsoid) -> Points | None:
    """Return the candidate inside the region, free of clashes, that packs closest to the chain, (length, 3), or None."""
    inside = region.contains(candidates).all(-1)
    distance = cKDTree(grown).query(candidates)[0]
    # The first residue is bonded to the one it hangs on, one step away: only the others must stay clear of that one too.
    distance[:, 0] = cKDTree(grown[:-1]).query(candidates[:, 0])[0]
    free = inside & (distance.min(-1) >= CLASH_ANGSTROM)
    if not free.any():
        return None
    return np.asarray(candidates[np.argmin(np.where(free, distance.mean(-1), np.inf))])


def fold(rng: np.random.Generator, others: Points, region: Ellipsoid, residues: int) -> Points:
    """Return C-alpha positions in Angstrom, (residues, 3), of a chain inside ``region``.

    It continues from the last of ``others`` (m, 3), itself a residue one step away, and stays clear of all of them.

    Raises:
        RuntimeError: a region too small for this many residues.
    """
    segments: list[Points] = []
    for _ in range(MAX_TRIALS):
        grown = np.concatenate([others, *segments])
        missing = residues - (len(grown) - len(others))
        if missing == 0:
            return grown[len(others) :]
        helix = rng.random() < 0.6
        length = min(missing, int(rng.integers(8, 22) if helix else rng.integers(2, 7)))
        segment = _best((_helices if helix else _coils)(rng, grown[-1], length), grown, region)
        if segment is not None:
            segments.append(segment)
        elif rng.random() < 0.1:
            del segments[-int(rng.integers(1, 3)) :]
    raise RuntimeError(f"{residues} residues do not fit into an ellipsoid of semi-axes {region.semi_axes} A")


def side_chains(backbone: Points, rng: np.random.Generator) -> Points:
    """Return a point (m, 3) beside each C-alpha, away from its two neighbours; where these are straight, in any direction."""
    padded = np.concatenate([backbone[:1], backbone, backbone[-1:]])
    away = backbone - (padded[:-2] + padded[2:]) / 2 + 1e-3 * rng.standard_normal(backbone.shape)
    return backbone + SIDE_CHAIN_ANGSTROM * (away / np.linalg.norm(away, axis=-1, keepdims=True))
