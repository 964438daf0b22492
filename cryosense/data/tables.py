"""What tables say about particles: one row each, with what their optics group says, as numbers where they are needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from cryosense.errors import ParticleDataError

GROUP = "rlnOpticsGroup"


@dataclass(frozen=True)
class Tables:
    """A particle table with RELION's column names, and its optics table.

    Attributes:
        path: the file to name in errors.
        particles: one row per particle, index 0 to n - 1.
        optics: one row per optics group, None if there are none.
        not_read: fields of the file that say something about the particles and have no column here.
    """

    path: Path
    particles: pd.DataFrame
    optics: pd.DataFrame | None
    not_read: tuple[str, ...] = ()

    def select(self, rows: np.ndarray) -> Tables:
        """Return the tables of the particles at ``rows``, in that order."""
        return replace(self, particles=self.particles.iloc[rows].reset_index(drop=True))

    def has(self, name: str) -> bool:
        """Return whether either table has the column."""
        return name in self.particles.columns or (self.optics is not None and name in self.optics.columns)

    def column(self, name: str) -> pd.Series:
        """Return a column (n,) of the particle table or, if it has none of the name, of the particles' optics groups.

        Raises:
            ParticleDataError: both tables have it, and do not say the same.
        """
        if self.optics is None or name not in self.optics.columns:
            return self.particles[name]
        of_groups = self.particles[GROUP].map(self.optics.set_index(GROUP)[name]) if name != GROUP else self.particles[GROUP]
        if name in self.particles.columns:
            self._require_same(name, self.particles[name], of_groups)
        return of_groups

    def _require_same(self, name: str, own: pd.Series, of_groups: pd.Series) -> None:
        differ = own.astype(str).to_numpy() != of_groups.astype(str).to_numpy()
        differ[differ] = as_numbers(own[differ]) != as_numbers(of_groups[differ])  # 300 is 300.0
        if differ.any():
            at = int(np.flatnonzero(differ)[0])
            raise ParticleDataError(
                f"{self.path}: {name} is {own.iloc[at]} for particle {at}, counted from 0, and {of_groups.iloc[at]} for its "
                "optics group: remove one of the two columns"
            )

    def require(self, names: Sequence[str], what: str) -> None:
        """Raise ParticleDataError, which says ``what``, unless all columns are there."""
        missing = [name for name in names if not self.has(name)]
        if missing:
            raise ParticleDataError(f"{self.path}: no column {', '.join(missing)}: {what}")

    def numbers(self, names: Sequence[str], absent: float | None = None) -> np.ndarray:
        """Return columns as numbers, (n, columns) float64, all finite; ``absent`` where neither table has a column.

        Raises:
            ParticleDataError: values that are not numbers.
        """
        columns = np.empty((len(self.particles), len(names)))
        for i, name in enumerate(names):
            if absent is not None and not self.has(name):
                columns[:, i] = absent
                continue
            columns[:, i] = as_numbers(self.column(name))
            bad = np.flatnonzero(~np.isfinite(columns[:, i]))
            if len(bad):
                raise ParticleDataError(
                    f"{self.path}: {name} is not a number for {len(bad)} particle(s), the first of them {bad[0]} (from 0): "
                    "correct or remove such rows"
                )
        return columns


def typed(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with columns of numbers as numbers: those that hold nothing else and whose name does not end in Name.

    Whole numbers with a leading zero, such as a group called 007, or too long for an integer do not count as numbers.
    """
    return pd.DataFrame({name: _typed(str(name), table[name]) for name in table.columns}, index=table.index)


def _typed(name: str, column: pd.Series) -> pd.Series:
    if not isinstance(column.dtype, pd.StringDtype):
        return column
    names = column.astype(object)
    if name.endswith("Name") or column.empty:
        return names
    text = pa.array(column, from_pandas=True)
    if text.null_count or pc.any(pc.match_substring_regex(text, r"^[+-]?(0[0-9]+|[0-9]{19,})$")).as_py():
        return names
    for kind in (pa.int64(), pa.float64()):
        try:
            return pd.Series(text.cast(kind).to_numpy(zero_copy_only=False), index=column.index)
        except pa.ArrowInvalid:
            continue
    return names


def as_numbers(column: pd.Series) -> np.ndarray:
    """Return the column as (n,) float64, with NaN for what is not a number."""
    return pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
