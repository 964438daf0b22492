"""Particle stacks: images on disk, read on demand, with one row of metadata each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from cryosense.errors import ParticleDataError

from .ahead import read_ahead
from .geometry import Compose, Geometry
from .images import Images, Index, row_numbers, single_row
from .opening import Metadata, open_images, open_table, paths_of
from .pixel_sizes import check_headers, check_optics, common_pixel_size, metadata_pixel_sizes
from .tables import Tables, typed


class ParticleStack:
    """The n images of one box, with one row of metadata each; nothing is read before it is needed. Made by ``open``."""

    def __init__(
        self,
        path: Path,
        images: Images,
        tables: Tables,
        pixel_size_angstrom: float | None,
        geometry: Compose,
    ) -> None:
        self.path = path
        self.geometry = geometry
        self._images = images
        self._tables = tables
        self._given_pixel_size = pixel_size_angstrom
        if tables.optics is not None:
            check_optics(path, tables.particles, tables.optics, images.box_size, pixel_size_angstrom is None)

    @classmethod
    def open(
        cls,
        path: str | Path,
        metadata: Metadata | None = None,
        *,
        root: str | Path | None = None,
        pixel_size_angstrom: float | None = None,
    ) -> ParticleStack:
        """Open a stack lazily.

        Args:
            path: images (``.mrcs``, ``.mrc``, ``.npy``, ``.pt``), or a table that names them (RELION ``.star``, cryoSPARC
                ``.cs``).
            metadata: for images, a ``.star``, a ``.cs`` and its passthrough files, or cryoDRGN's ``poses.pkl`` and
                ``ctf.pkl``; for a ``.cs``, its passthrough files.
            root: folder in which the table's paths begin; the table's own folder and those above it are tried as well.
            pixel_size_angstrom: overrides what the files say.

        Raises:
            ParticleDataError: files that are missing, truncated or contradict themselves or each other.
        """
        path, root = Path(path), None if root is None else Path(root)
        sidecars = paths_of(metadata)
        for each in (path, *sidecars):
            if not each.is_file():
                raise ParticleDataError(f"{each}: no such file")
        if pixel_size_angstrom is not None and not (np.isfinite(pixel_size_angstrom) and pixel_size_angstrom > 0):
            raise ParticleDataError(f"{path}: pixel_size_angstrom is {pixel_size_angstrom}, but must be positive")
        if path.suffix.lower() in (".star", ".cs"):
            opened = open_table(path, sidecars, root)
        else:
            opened = open_images(path, sidecars, root, pixel_size_angstrom)
        return cls(path, *opened, pixel_size_angstrom, Compose([]))

    def __repr__(self) -> str:
        return f"ParticleStack({self.path}, {len(self)} particles of {self.box_size} px)"

    def __len__(self) -> int:
        return len(self._images.number)

    @property
    def box_size(self) -> int:
        """Side of an image in pixels."""
        return self.geometry.box_after(self._images.box_size)

    @cached_property
    def pixel_size_angstrom(self) -> float | None:
        """Pixel size after cropping: as given, else by the metadata, else by the files' headers, else None.

        Raises:
            ParticleDataError: particles that differ in it (optics groups): ``select`` those of one.
        """
        size = self._given_pixel_size
        if size is None:
            size = common_pixel_size(self.path, metadata_pixel_sizes(self._tables.particles, self._tables.optics))
        if size is None:
            headers = {str(path): size for path, size in self._images.header_pixel_sizes().items()}
            size = common_pixel_size(self.path, headers)
        return None if size is None else self.geometry.pixel_size_after(size, self._images.box_size)

    @property
    def pixel_size_range_angstrom(self) -> tuple[float, float] | None:
        """Lowest and highest pixel size after cropping, for what may mix optics groups of several; None if none is known."""
        sizes = metadata_pixel_sizes(self._tables.particles, self._tables.optics).values()
        if self._given_pixel_size is not None or not sizes:
            return None if self.pixel_size_angstrom is None else (self.pixel_size_angstrom, self.pixel_size_angstrom)
        low, high = (self.geometry.pixel_size_after(size, self._images.box_size) for size in (min(sizes), max(sizes)))
        return low, high

    @property
    def files(self) -> list[Path]:
        """The file that was opened, and those that hold its images."""
        return list(dict.fromkeys([self.path, *self._images.used_files()]))

    def check_pixel_size(self) -> None:
        """Raise ParticleDataError if image headers contradict the metadata, unless a size was given."""
        found = metadata_pixel_sizes(self._tables.particles, self._tables.optics)
        if self._given_pixel_size is None and found:
            check_headers(self.path, next(iter(found.values())), self._images.header_pixel_sizes())

    @cached_property
    def tables(self) -> Tables:
        """What is known of the particles, as it is in the file apart from what cropping changes."""
        box, optics = self._images.box_size, self._tables.optics
        return replace(
            self._tables,
            path=self.path,
            particles=self.geometry.table_after(self._tables.particles, box).copy(),
            optics=None if optics is None else self.geometry.table_after(optics, box).copy(),
        )

    @cached_property
    def metadata(self) -> pd.DataFrame:
        """One row per particle, index 0 to n - 1, with RELION's column names; no columns where nothing is known.

        Columns of numbers are numbers here; ``tables`` has the text of the file.
        """
        return typed(self.tables.particles)

    @cached_property
    def optics(self) -> pd.DataFrame | None:
        """The optics table of RELION 3.1 and later, None if there is none."""
        return None if self.tables.optics is None else typed(self.tables.optics)

    @property
    def same_image(self) -> np.ndarray:
        """A number for each particle, (n,) int64, the same for particles that are one image of one file."""
        return self._images.identity()

    def image_names(self, root: str | Path) -> list[str]:
        """Return the ``rlnImageName`` of each image on disk, (n,), seen from a folder: for RELION, its project's."""
        return self._images.names(Path(root))

    def __getitem__(self, index: Index) -> Tensor:
        """Return an image (1, n, n) float32 for one number, images (b, 1, n, n) for a slice, list, array or tensor of them.

        Negative numbers count from the end. Raises ``IndexError`` outside the stack.
        """
        row = single_row(index)
        if row is not None:
            return self._read(row_numbers([row], len(self)))[0]
        return self._read(row_numbers(index, len(self)))

    def chunks(self, size: int, start: int = 0, stop: int | None = None) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield particles ``start`` to ``stop`` in order, ``size`` at a time: (b,) int64 indices, (b, 1, n, n) float32.

        The next ones are read meanwhile, see ``read_ahead``.
        """
        if size < 1:
            raise ParticleDataError(f"{self.path}: chunks of {size} particles; a chunk needs at least one")
        rows = row_numbers(slice(start, stop), len(self))
        parts = (rows[first : first + size] for first in range(0, len(rows), size))
        for chunk, images in read_ahead(self._read, parts):
            yield torch.from_numpy(chunk), images

    def select(self, indices: Index) -> ParticleStack:
        """Return a view of the particles at ``indices``, in that order, with their metadata. Raises ``IndexError`` outside."""
        rows = row_numbers(indices, len(self))
        images, tables = self._images.select(rows), self._tables.select(rows)
        return ParticleStack(self.path, images, tables, self._given_pixel_size, self.geometry)

    def described_by(self, tables: Tables) -> ParticleStack:
        """Return a view of the same images with the tables of another file, a row each; errors then name that file."""
        return ParticleStack(tables.path, self._images, tables, self._given_pixel_size, self.geometry)

    def transformed(self, geometry: Geometry) -> ParticleStack:
        """Return a view with the images, pixel size and metadata after ``geometry``. Raises what the geometry raises."""
        geometry.box_after(self.box_size)
        combined = Compose([*self.geometry.steps, geometry])
        return ParticleStack(self.path, self._images, self._tables, self._given_pixel_size, combined)

    def _read(self, rows: np.ndarray) -> Tensor:
        return self.geometry(self._images.read(rows))
