"""Bars on the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tqdm import tqdm


@contextmanager
def progress(total: int, unit: str, desc: str) -> Iterator[Any]:
    """Show a bar that goes away where the work is stopped or refused, so that what is said then stands alone."""
    with tqdm(total=total, unit=unit, desc=desc) as bar:
        try:
            yield bar
        except BaseException:
            bar.leave = False
            raise
