"""What is known of the particles, against which a run's latents are scored."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np

from cryosense.biology.agreement import class_recovery, coordinate_recovery
from cryosense.data.latents import read_classes, read_coordinate
from cryosense.shown import ShowsParameters


class Known(ShowsParameters, ABC):
    """One known value per particle."""

    path: str

    @abstractmethod
    def read(self) -> np.ndarray:
        """Return the values, (n,). Raises ParticleDataError for a file that does not hold them."""

    @abstractmethod
    def recovery(self, known: np.ndarray, clusters: np.ndarray, neighbours: np.ndarray) -> dict[str, float]:
        """Return scores by name, for known values (n,), clusters (n,) and neighbours (n, k)."""


@final
@dataclass(frozen=True)
class KnownClasses(Known):
    """Classes: a ``.npy`` array (n,), or ``column`` of a ``.star`` or ``.csv`` table."""

    path: str
    column: str | None = None

    def read(self) -> np.ndarray:
        """Return the classes, (n,) int64."""
        return read_classes(Path(self.path), self.column)

    def recovery(self, known: np.ndarray, clusters: np.ndarray, neighbours: np.ndarray) -> dict[str, float]:
        """Return ``agreement``, ``ari``, ``nmi`` of the clusters and ``label_transfer`` between neighbours."""
        return class_recovery(known, clusters, neighbours)._asdict()


@final
@dataclass(frozen=True)
class KnownCoordinate(Known):
    """A continuous coordinate, such as the angle of a hinge; files as for ``KnownClasses``."""

    path: str
    column: str | None = None

    def read(self) -> np.ndarray:
        """Return the coordinate, (n,) float64."""
        return read_coordinate(Path(self.path), self.column)

    def recovery(self, known: np.ndarray, clusters: np.ndarray, neighbours: np.ndarray) -> dict[str, float]:
        """Return ``spearman`` and ``r2`` of the mean over neighbours; clusters do not matter."""
        return coordinate_recovery(known, neighbours)._asdict()
