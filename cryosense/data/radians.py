"""Angles that look like radians in columns of degrees: refused where nothing else fits, named where something else may."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from cryosense.errors import ParticleDataError

from .tables import Tables

POSE = ["rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi"]
# This many different angles that all fit into a circle in radians are radians.
MOST_DIFFERENT = 20
# Views of one side alone do lie within a few degrees, and few particles may do so by chance: one angle of three is named, not
# refused, where so many different values spread over so much of the circle in radians.
MANY, SPREAD = 100, 2.0


def refuse_radians(tables: Tables, columns: Mapping[str, np.ndarray]) -> None:
    """Raise ParticleDataError for columns (n,) that look like radians: all three angles of poses, or one of the optics."""
    for names in (POSE, ["rlnDefocusAngle"], ["rlnPhaseShift"]):
        if set(names) <= columns.keys():
            values = np.stack([columns[name] for name in names])
            different = len(np.unique(values.round(4), axis=1).T)
            if different >= MOST_DIFFERENT and _in_circle(values) and np.ptp(values, axis=1).max() > 1:
                raise ParticleDataError(
                    f"{tables.path}: {', '.join(names)}: the angles of {different} different particles all lie in "
                    "-2 pi ... 2 pi: they look like radians, and must be degrees"
                )


def radians_among(tables: Tables, names: Sequence[str]) -> list[str]:
    """Return a note for each column of angles that looks like radians beside others that do not; it is taken as degrees."""
    notes = []
    for name in names:
        values = tables.numbers([name])[:, 0]
        if _in_circle(values) and np.ptp(values) > SPREAD and len(np.unique(values.round(4))) >= MANY:
            notes.append(
                f"{name} is taken as degrees, but lies in {values.min():.2f} ... {values.max():.2f} for all {len(values)} "
                "particles: are these radians?"
            )
    return notes


def _in_circle(values: np.ndarray) -> bool:
    return bool(np.abs(values).max(initial=0) <= 2 * np.pi)
