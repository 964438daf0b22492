"""Poses of many particles, stored on disk as they are found, so that a killed run resumes where it stopped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from torch import Tensor

from cryosense.errors import ArgumentError, RunError
from cryosense.files.tables import write_parquet

Find = Callable[[Tensor], pd.DataFrame]


@dataclass(frozen=True)
class Portions:
    """How a stack is gone through: particles in memory at once, and how many are written together.

    Raises:
        ArgumentError: a number below 1.
    """

    chunk_size: int
    checkpoint_particles: int

    def __post_init__(self) -> None:
        if self.chunk_size < 1 or self.checkpoint_particles < 1:
            raise ArgumentError(
                f"chunk_size={self.chunk_size} and checkpoint_particles={self.checkpoint_particles} must be at least 1"
            )

    def found(self, directory: Path, rows: Tensor, find: Find, progress: Callable[[int], object]) -> pd.DataFrame:
        """Return what ``find`` says about particles (m,), chunk by chunk, a row each, in order.

        Portions are stored in ``directory`` as tables, each whole or not at all, named by position; existing ones are read.
        ``progress`` is called with the number of particles done since its last call.

        Raises:
            RunError: a table of other particles is in the way.
        """
        directory.mkdir(parents=True, exist_ok=True)
        tables = []
        for first in range(0, len(rows), self.checkpoint_particles):
            portion = rows[first : first + self.checkpoint_particles]
            path = directory / f"{first:09d}.parquet"
            if path.is_file():
                tables.append(_read(path, portion))
                progress(len(portion))
                continue
            chunks = []
            for chunk in portion.split(self.chunk_size):
                chunks.append(find(chunk))
                progress(len(chunk))
            tables.append(pd.concat(chunks, ignore_index=True))
            write_parquet(path, tables[-1])
        return pd.concat(tables, ignore_index=True)


def _read(path: Path, portion: Tensor) -> pd.DataFrame:
    table = pd.read_parquet(path)
    if not np.array_equal(table["particle"].to_numpy(), portion.numpy()):
        raise RunError(f"{path}: holds other particles than this run uses: remove {path.parent}")
    return table
