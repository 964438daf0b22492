"""Columns that say how images came about; code that does not use them names them as unused."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd

from .tables import Tables, as_numbers

# With the value at which a column says nothing; None if any value says something, unless it is the same for all.
_NEUTRAL = {
    "rlnCtfDataArePhaseFlipped": 0.0,
    "rlnCtfDataAreCtfPremultiplied": 0.0,
    "rlnCtfScalefactor": 1.0,
    "rlnCtfBfactor": 0.0,
    "rlnPhaseShift": 0.0,
    "rlnBeamTiltX": 0.0,
    "rlnBeamTiltY": 0.0,
    "rlnOddZernike": 0.0,
    "rlnEvenZernike": 0.0,
    "rlnMagMat00": 1.0,
    "rlnMagMat01": 0.0,
    "rlnMagMat10": 0.0,
    "rlnMagMat11": 1.0,
    "rlnNormCorrection": 1.0,
    "rlnOriginZAngst": 0.0,
    "rlnIsFlip": 0.0,
    "rlnImageWeight": 1.0,
    "rlnClassNumber": None,
}
# Files with which images or CTFs were made.
_FILES = ("rlnMtfFileName", "rlnCtfImage")


def unused_columns(tables: Tables, used: Collection[str]) -> list[str]:
    """Return the names of columns, and of fields without one, that say something about the images and are not ``used``."""
    found = [name for name in _NEUTRAL if name not in used and tables.has(name) and _says(tables, name)]
    found += [name for name in _FILES if name not in used and tables.has(name) and _names_files(tables.column(name))]
    return found + list(tables.not_read)


def _says(tables: Tables, name: str) -> bool:
    neutral = _NEUTRAL[name]
    column = tables.column(name)
    if neutral is None:
        return column.nunique(dropna=False) > 1
    different = column.drop_duplicates()
    if different.astype(str).str.startswith("[").any():
        return any(coefficients(text).any() for text in different.astype(str))
    return bool((as_numbers(different) != neutral).any())


def _names_files(column: pd.Series) -> bool:
    return bool((~column.drop_duplicates().astype(str).isin(["", "None", "nan"])).any())


def coefficients(text: str) -> np.ndarray:
    """Return a vector ``[a,b,c]``, as RELION writes it, as (n,) float64: NaN for what is not a number, empty for ``[]``."""
    inside = text.strip().removeprefix("[").removesuffix("]").strip()
    return as_numbers(pd.Series([part.strip() for part in inside.split(",")], dtype=object)) if inside else np.zeros(0)
