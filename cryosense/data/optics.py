"""Optics groups for metadata of programs that have none: particles that share their microscope's constants."""

from __future__ import annotations

import pandas as pd

OPTICS_COLUMNS = [
    "rlnVoltage",
    "rlnSphericalAberration",
    "rlnAmplitudeContrast",
    "rlnImagePixelSize",
    "rlnImageSize",
]


def split_optics(particles: pd.DataFrame, group_by: list[str]) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """Move the columns that belong to the optics table out of the particle table.

    Particles form one group where ``OPTICS_COLUMNS`` and ``group_by`` (columns that are dropped) agree; groups are numbered in
    order of appearance. Without any such column there is no optics table.
    """
    constants = [name for name in OPTICS_COLUMNS if name in particles.columns]
    keys = [*constants, *group_by]
    if not constants:
        return particles.drop(columns=group_by), None
    group = particles.groupby(keys, sort=False, dropna=False).ngroup() + 1
    optics = particles.loc[~group.duplicated(), constants].reset_index(drop=True)
    numbers = range(1, len(optics) + 1)
    optics.insert(0, "rlnOpticsGroup", list(numbers))
    optics.insert(1, "rlnOpticsGroupName", [f"opticsGroup{number}" for number in numbers])
    optics["rlnImageDimensionality"] = 2
    return particles.drop(columns=keys).assign(rlnOpticsGroup=group), optics
