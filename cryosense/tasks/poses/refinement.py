"""Alternate alignment and back-projection, with the two half sets kept apart throughout (gold standard)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor

from cryosense.alignment import Aligner, Calibration, angles_between_deg
from cryosense.data.maps import read_map
from cryosense.errors import ArgumentError
from cryosense.files.limits import read_json
from cryosense.files.tables import write_csv, write_parquet
from cryosense.files.writing import write_json_atomic
from cryosense.tasks.maps.files import write_volume
from cryosense.tasks.poses.alignment import Alignment
from cryosense.tasks.poses.half_maps import HalfMaps, half_maps, insert, new_sums, poses_of
from cryosense.tasks.poses.progress import Portions
from cryosense.tasks.poses.shares import ITERATIONS, Share
from cryosense.volumes.symmetry import point_group

SUMMARY = "iteration.json"  # of an iteration's folder, written last
POSES = "poses.parquet"  # of all particles
CURVE = "fsc.csv"
FOUND, SUMS = "found.parquet", "sums.pt"  # of the particles of one process


@dataclass(frozen=True)
class Refinement:
    """How alignment and back-projection alternate.

    Attributes:
        iterations: at most this many; 0 for poses against the reference only.
        settled_deg: stop when poses change by less than this in the median, and the resolution no longer improves.
        pad_factor, regularisation: of the half maps, see ``SliceAccumulator``.

    Raises:
        ArgumentError: a number out of range.
    """

    iterations: int = 0
    settled_deg: float = 0.5
    pad_factor: int = 2
    regularisation: float = 1.0

    def __post_init__(self) -> None:
        if self.iterations < 0 or not self.settled_deg >= 0:
            raise ArgumentError(f"iterations={self.iterations} and settled_deg={self.settled_deg} must not be negative")
        if self.pad_factor < 1 or not self.regularisation >= 0:
            raise ArgumentError(f"pad_factor={self.pad_factor}, regularisation={self.regularisation}: give at least 1 and 0")

    def run(self, task: Alignment, share: Share, portions: Portions, progress: Callable[[int], object]) -> pd.DataFrame | None:
        """Return the poses of the particles of all processes, a row each, in order; None where others have to go on first.

        Every iteration has a folder: ``poses.parquet``, ``half1.mrc``, ``half2.mrc``, ``fsc.csv``, last ``iteration.json``.
        Those that are finished are read. The first is matched with the reference for both half sets, every later one with its
        half set's own map, low-passed by the FSC; so below the reference's resolution, and only there, the first iteration
        gives the halves something in common that is not in the particles. Each process adds up its own particles, and then
        the sums of all: they go on with the same maps.
        """
        before, maps = None, None
        for number in range(1, self.iterations + 1):
            name = f"{ITERATIONS}/iteration_{number:03d}"
            folder = share.directory / name
            if not (folder / SUMMARY).is_file():
                self._align(task, share, folder, portions, progress, before, maps)
                if not share.all_have(f"{name}/{SUMS}"):
                    return None
                self._put_together(task, folder, [each / name for each in share.directories], before, maps)
            else:
                progress(len(share.rows))
            before, maps = pd.read_parquet(folder / POSES), _read_maps(folder)
            if read_json(folder / SUMMARY)["settled"]:
                break
        return before

    def _align(
        self,
        task: Alignment,
        share: Share,
        folder: Path,
        portions: Portions,
        progress: Callable[[int], object],
        before: pd.DataFrame | None,
        maps: HalfMaps | None,
    ) -> None:
        """Find the poses of this process's particles, and add them up: ``found.parquet``, and last ``sums.pt``."""
        if (folder / SUMS).is_file():
            return
        folder.mkdir(parents=True, exist_ok=True)
        tables = []
        for half, aligner, calibration in self._matched(task, share.all_rows, before, maps):
            some = share.rows[task.known.half_set[share.rows] == half]
            if not len(some):  # a stack sorted by half sets
                continue
            found = portions.found(folder / f"half{half + 1}", some, _finding(task, aligner, calibration), progress)
            tables.append(found)
        poses = pd.concat(tables, ignore_index=True).sort_values("particle", ignore_index=True)
        sums = new_sums(task, self.pad_factor)
        insert(sums, task, share.rows, poses, portions.chunk_size)
        write_parquet(folder / FOUND, poses)
        sums.save(folder / SUMS)

    def _put_together(
        self, task: Alignment, folder: Path, parts: list[Path], before: pd.DataFrame | None, maps: HalfMaps | None
    ) -> None:
        """Make the maps of what all processes have added up."""
        poses = pd.concat([pd.read_parquet(part / FOUND) for part in parts], ignore_index=True)
        sums = new_sums(task, self.pad_factor)
        sums.load(parts[0] / SUMS)
        for part in parts[1:]:
            other = new_sums(task, self.pad_factor)
            other.load(part / SUMS)
            sums.add(other)
        made = half_maps(sums, self.regularisation)
        write_parquet(folder / POSES, poses)
        for half, volume in enumerate(made.maps):
            write_volume(folder / f"half{half + 1}.mrc", volume, task.known.pixel_size_angstrom)
        write_csv(folder / CURVE, pd.DataFrame({"shell": range(len(made.curve)), "fsc": made.curve.numpy()}))
        write_json_atomic(folder / SUMMARY, self._summary(task, poses, made, before, maps))

    def _matched(
        self, task: Alignment, rows: Tensor, before: pd.DataFrame | None, maps: HalfMaps | None
    ) -> Iterator[tuple[int, Aligner, Calibration]]:
        """Yield for each half set what its particles are matched with."""
        for half in (0, 1):
            here = task.known.half_set[rows] == half
            if before is None or maps is None:
                aligner = task.aligner(task.reference_map(), task.reference_resolution_angstrom)
                yield half, aligner, task.calibrate(aligner, rows[here])
                continue
            size = task.known.pixel_size_angstrom
            resolution = maps.resolution_angstrom(size)
            coarsest = task.reference_resolution_angstrom  # where the halves have nothing in common, as at the start
            aligner = task.aligner(maps.reference(half), resolution if math.isfinite(resolution) else coarsest)
            some = _evenly(here.nonzero()[:, 0], task.calibration_particles)
            rotations, origins = (values[some] for values in poses_of(before))
            # The map was made from these images: its scale is theirs.
            yield half, aligner, aligner.calibrate_at(task.observed(aligner, rows[some]), rotations, origins / size, 1.0)

    def _summary(
        self, task: Alignment, poses: pd.DataFrame, made: HalfMaps, before: pd.DataFrame | None, maps: HalfMaps | None
    ) -> dict[str, object]:
        size = task.known.pixel_size_angstrom
        resolution = made.resolution_angstrom(size)
        spread = float(poses["cryosenseAngularSpread"].median())
        turned, moved, settled = None, None, False
        if before is not None and maps is not None:
            (one, origins), (other, origins_before) = poses_of(poses), poses_of(before)
            turned = float(angles_between_deg(one, other, point_group(task.symmetry)).median())
            moved = float((origins - origins_before).norm(dim=1).median())
            settled = turned < self.settled_deg and resolution >= 0.98 * maps.resolution_angstrom(size)
        return {
            "resolution_angstrom": resolution if math.isfinite(resolution) else None,
            "median_turn_deg": turned,
            "median_move_angstrom": moved,
            "median_angular_spread_deg": spread,
            "settled": settled,
        }


def _finding(task: Alignment, aligner: Aligner, calibration: Calibration) -> Callable[[Tensor], pd.DataFrame]:
    return lambda some: task.poses(aligner, calibration, some)


def _evenly(places: Tensor, count: int) -> Tensor:
    return places[torch.linspace(0, len(places) - 1, min(count, len(places))).round().long()]


def _read_maps(folder: Path) -> HalfMaps:
    first, second = (read_map(folder / f"half{number}.mrc").values.float() for number in (1, 2))
    curve = pd.read_csv(folder / CURVE)["fsc"]
    return HalfMaps((first, second), torch.tensor(curve.to_numpy(float)))
