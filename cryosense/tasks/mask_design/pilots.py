"""An uncompressed pilot: the FSC of a few particles, from which masks for many are designed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from cryosense.alignment.turning import Turns, turns
from cryosense.data import ParticleDataError
from cryosense.data.maps import read_map
from cryosense.files.limits import read_json
from cryosense.metrics import fsc, sphere_mask
from cryosense.metrics.shell_snr import ObservedCurve, independent_fraction
from cryosense.tasks.maps.references import PIXEL_SIZE_TOLERANCE

EDGE_SHARE = 16  # the soft edge of the sphere is as wide as the box over this
CURVES = ("unmasked", "corrected")


@dataclass(frozen=True)
class Pilot:
    """FSC curves of the half maps of ``particles`` particles, each (n // 2 + 1,), n even; the first is to be designed for.

    ``half_maps`` are the files of the maps, None where they are not there.
    """

    curves: tuple[ObservedCurve, ...]
    pixel_size_angstrom: float
    particles: int
    half_maps: tuple[Path, Path] | None = None

    @property
    def box_size(self) -> int:
        """Box size n in pixels."""
        return 2 * (len(self.curves[0].fsc) - 1)

    @property
    def seen_up_to(self) -> int:
        """The last shell up to which the FSC is everywhere two standard deviations of chance above 0."""
        curve = self.curves[0]
        unseen = (torch.atanh(curve.fsc.double().clamp(max=1 - 1e-9)) < 2 * curve.chance())[1:].nonzero()[:, 0]
        return int(unseen[0]) if len(unseen) else len(curve.fsc) - 1

    def turns(self, symmetry: str) -> Turns | None:
        """Return what turns change in each shell, by the half maps in the sphere that touches their box; None without maps."""
        if self.half_maps is None:
            return None
        maps = [_read_map(path)[0] for path in self.half_maps]
        if any(tuple(each.shape) != (self.box_size,) * 3 for each in maps):
            raise ParticleDataError(f"{self.half_maps[0]} is not a map of the box of its FSC, {self.box_size} px")
        return turns_in_sphere(maps[0], maps[1], symmetry)

    def extrapolation_warning(self, last_shell: int) -> str | None:
        """Return a warning about masks that reach a shell which the pilot does not see; None if it sees it."""
        if last_shell <= self.seen_up_to:
            return None
        return (
            f"the masks reach shell {last_shell}, but the pilot of {self.particles} particles sees no further than shell "
            f"{self.seen_up_to}: what is beyond is extrapolated from lower ones and may be absent: a larger pilot would tell"
        )

    def fingerprint(self) -> str:
        """Return a digest of the curves, so that no design is resumed with another pilot of the same name."""
        digest = hashlib.sha256(f"{self.particles} {self.pixel_size_angstrom}".encode())
        for curve in self.curves:
            digest.update(curve.fsc.numpy().tobytes())
        for path in self.half_maps or ():
            digest.update(path.read_bytes())
        return digest.hexdigest()[:16]

    @classmethod
    def open(cls, path: str | Sequence[str], curve: str = "unmasked", particles: int | None = None) -> Self:
        """Read a directory of ``cryosense backproject``, its ``fsc.csv``, or two half maps.

        If the directory has the mask, the corrected curve, which sees further, helps to find the unmasked one.

        Args:
            path: the directory, the file, or the two maps.
            curve: ``unmasked`` or ``corrected``: the one masks are designed for; half maps have only the first.
            particles: in both half maps together; None for what the directory says.

        Raises:
            ParticleDataError: files that are missing or not of this kind, half maps that differ in size, an odd box, a
                directory of masked particles, or no number of particles.
        """
        if curve not in CURVES:
            raise ParticleDataError(f"curve={curve}: {' or '.join(CURVES)}")
        if not isinstance(path, str):
            return cls._of_half_maps([Path(each) for each in path], curve, particles)
        table = Path(path) / "fsc.csv" if Path(path).is_dir() else Path(path)
        summary = _summary(table.parent / "done.json")
        compression = summary.get("compression_dof", 1.0)
        if not isinstance(compression, (int, float)) or compression > 1:
            raise ParticleDataError(f"path: {path} was measured through masks; a pilot must be uncompressed")
        mask = table.with_name("mask.mrc")
        if curve == "corrected" and not mask.is_file():
            raise ParticleDataError(f"curve=corrected: {mask} is not there, and only the mask says how sure that curve is")
        names = sorted(CURVES, key=lambda name: name != curve) if mask.is_file() else [curve]
        fractions = {"unmasked": 1.0, "corrected": independent_fraction(_read_map(mask)[0]) if mask.is_file() else 0.0}
        read = [read_curve(table, name) for name in names]
        curves = tuple(ObservedCurve(values, fractions[name]) for name, (values, _) in zip(names, read, strict=True))
        known = particles if particles is not None else summary.get("particles")
        first, second = (table.with_name(f"half{number}.mrc") for number in (1, 2))
        maps = (first, second) if first.is_file() and second.is_file() else None
        return cls(curves, read[0][1], _count(path, known), maps)

    @classmethod
    def _of_half_maps(cls, paths: list[Path], curve: str, particles: int | None) -> Self:
        if len(paths) != 2 or curve != "unmasked":
            raise ParticleDataError(
                f"pilot: {len(paths)} map(s) and curve={curve}: half maps are two, and give the unmasked curve; for the "
                "other give the directory of a back-projection"
            )
        (first, pixel_size), (second, other_pixel_size) = (_read_map(path) for path in paths)
        if first.shape != second.shape or abs(pixel_size - other_pixel_size) > PIXEL_SIZE_TOLERANCE * pixel_size:
            raise ParticleDataError(f"path: {paths[0]} and {paths[1]} differ in box or pixel size")
        if first.ndim != 3 or len(set(first.shape)) != 1 or first.shape[0] % 2:
            raise ParticleDataError(f"path: {paths[0]} has shape {tuple(first.shape)}: a cube of even size is needed")
        count = _count(str(paths[0]), particles)
        return cls((ObservedCurve(fsc(first, second), 1.0),), pixel_size, count, (paths[0], paths[1]))


def turns_in_sphere(first: Tensor, second: Tensor, symmetry: str) -> Turns:
    """Return what turns change in each shell, by half maps (n, n, n) in the sphere that touches their box.

    Raises:
        ArgumentError: the maps agree in too few shells.
    """
    n = first.shape[-1]
    edge = n / EDGE_SHARE
    mask = sphere_mask(first, 1.0, radius_angstrom=n / 2 - edge, edge_pixels=edge)
    return turns(first * mask, second * mask, symmetry)


def read_curve(path: Path, curve: str) -> tuple[Tensor, float]:
    """Return a column of an ``fsc.csv``, (n // 2 + 1,) float64, and the pixel size in Angstrom implied by its frequencies.

    Raises:
        ParticleDataError: no such file or column, or shells that do not count up from 0.
    """
    if not path.is_file():
        raise ParticleDataError(f"there is no {path}: give the directory of a finished `cryosense backproject`")
    try:
        table = pd.read_csv(path)
    except ValueError as error:  # pandas' own errors and those of decoding
        raise ParticleDataError(f"{path} is not a readable table: {error}") from error
    missing = [name for name in ("shell", "frequency_per_angstrom", curve) if name not in table.columns]
    if missing:
        raise ParticleDataError(f"{path} has no column {', '.join(missing)}; it has {', '.join(table.columns)}")
    columns = [pd.to_numeric(table[name], errors="coerce").to_numpy("float64") for name in ("frequency_per_angstrom", curve)]
    if len(table) < 2 or not all(np.isfinite(column).all() for column in columns):
        raise ParticleDataError(f"{path}: {curve} and frequency_per_angstrom must be columns of numbers, at least two rows")
    shells, frequency = table["shell"].tolist(), float(columns[0][-1])
    if shells != list(range(len(shells))) or not frequency > 0:
        raise ParticleDataError(f"the shells of {path} must count up from 0, one row each, with their frequencies")
    return torch.tensor(columns[1]), 1 / (2 * frequency)


def _count(path: str, particles: object) -> int:
    if not isinstance(particles, int) or particles < 2:
        raise ParticleDataError(f"particles={particles}: give the number of particles that {path} was made from, at least 2")
    return particles


def _summary(path: Path) -> dict[str, object]:
    """Return what a finished back-projection says about itself; nothing if there is no such file."""
    if not path.is_file():
        return {}
    return read_json(path)


def _read_map(path: Path) -> tuple[Tensor, float]:
    try:
        known = read_map(path)
    except (OSError, ValueError) as error:
        raise ParticleDataError(f"path: {path} cannot be read: {str(error).removeprefix(f'{path}: ')}") from error
    return known.values, known.voxel_angstrom[0]
