"""Tables with fewer digits: poses of simulations have sixteen, of which three matter, and digits do not compress."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from cryosense.files.star_text import TEXT

MOST_DECIMALS = 15
NUMBER = r"^[+-]?[0-9]+\.[0-9]*([eE][+-]?[0-9]+)?$"


def rounded(table: pd.DataFrame, decimals: int) -> pd.DataFrame:
    """Return the table with numbers rounded to ``decimals`` digits; whole numbers, names and other words stay as they are."""
    return pd.DataFrame({name: _rounded(table[name], decimals) for name in table.columns}, index=table.index)


def _rounded(column: pd.Series, decimals: int) -> pd.Series:
    if column.dtype.kind == "f":
        return column.round(decimals)
    if not isinstance(column.dtype, pd.StringDtype) or column.empty or column.isna().any():
        return column
    words = pa.array(column.astype(TEXT), pa.large_string())
    if not pc.all(pc.match_substring_regex(words, NUMBER)).as_py():
        return column
    short = pc.match_substring_regex(words, rf"^[^.]*\.[0-9]{{0,{decimals}}}$").to_numpy(zero_copy_only=False)
    values = np.round(words.cast(pa.float64()).to_numpy(), decimals) + 0.0  # no negative zero
    made = [
        word if keep else f"{value:.{decimals}f}"
        for word, keep, value in zip(words.to_pylist(), short, values.tolist(), strict=True)
    ]
    return pd.Series(pd.array(made, dtype=TEXT), index=column.index)
