"""Text from elsewhere, written so that the reader of a format shows it and executes nothing in it."""

from __future__ import annotations

import pandas as pd

MARKDOWN_ESCAPES = str.maketrans({character: f"\\{character}" for character in "\\|`*[]<>"} | {"\n": " ", "\r": " "})
LATEX_ESCAPES = str.maketrans(
    {character: f"\\{character}" for character in "&%$#_{}"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    | {"<": r"\textless{}", ">": r"\textgreater{}", "±": r"$\pm$", "≤": r"$\le$", "Å": r"\AA{}", "\n": " ", "\r": " "}
    | {"[": "{[}", "*": "{*}"}  # after a line end they would be its arguments
)
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def markdown(text: str) -> str:
    """Return the text as a cell or a line of Markdown."""
    return text.translate(MARKDOWN_ESCAPES)


def latex(text: str) -> str:
    """Return the text as words of LaTeX."""
    return text.translate(LATEX_ESCAPES)


def without_formulas(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with an apostrophe before text that a spreadsheet would compute, such as ``=HYPERLINK(...)``."""
    texts = [name for name in table.columns if not pd.api.types.is_numeric_dtype(table[name])]
    return table.assign(**{str(name): table[name].map(_plain) for name in texts})


def _plain(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA_STARTS) else cell
