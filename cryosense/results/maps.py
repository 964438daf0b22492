"""Maps of a back-projection as files, and what is to be said of their resolution."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import mrcfile
import torch
from torch import Tensor

from cryosense.data import ParticleDataError
from cryosense.metrics import fsc, half_map_curves
from cryosense.results.fsc_files import fsc_table, resolution_table, write_csv, write_fsc_star
from cryosense.results.half_sums import HalfSums
from cryosense.results.map_figure import draw_map
from cryosense.results.rows import written_whole

PIXEL_SIZE_TOLERANCE = 1e-3


@dataclass(frozen=True)
class Assessment:
    """How half maps are compared.

    Attributes:
        soft_mask: ``(volume, pixel_size_angstrom) -> mask``, made from the full map.
        randomise_below, seed: see :func:`cryosense.metrics.half_map_curves`.
        reference: a map of the same box and pixel size that the full map is compared with; None where none is known.
    """

    soft_mask: Callable[[Tensor, float], Tensor]
    randomise_below: float
    seed: int
    reference: str | None

    def check(self, box_size: int, pixel_size_angstrom: float) -> None:
        """Raises ParticleDataError where the reference cannot be compared with a map of this box and pixel size."""
        self.read_reference(box_size, pixel_size_angstrom)

    def read_reference(self, box_size: int, pixel_size_angstrom: float) -> Tensor | None:
        """-> (n, n, n), or None where there is none. Raises as :meth:`check` does."""
        if self.reference is None:
            return None
        try:
            with mrcfile.open(self.reference) as mrc:
                volume, pixel_size = torch.tensor(mrc.data, dtype=torch.float64), float(mrc.voxel_size.x)
        except (OSError, ValueError) as error:
            raise ParticleDataError(f"reference: {self.reference} cannot be read: {error}") from error
        if volume.shape != (box_size,) * 3 or abs(pixel_size - pixel_size_angstrom) > PIXEL_SIZE_TOLERANCE * pixel_size:
            raise ParticleDataError(
                f"reference: {self.reference} has {tuple(volume.shape)} voxels of {pixel_size:g} Angstrom, the particles make "
                f"a map of {box_size} px at {pixel_size_angstrom:g}: resample it"
            )
        return volume


def write_maps(
    directory: Path, sums: HalfSums, regularisation: float, assessment: Assessment, pixel_size_angstrom: float
) -> dict[str, object]:
    """Write half maps, full map, mask, curves, resolutions and figure of these sums. -> what sums them up.

    ``half1.mrc``, ``half2.mrc``, ``map.mrc``, ``mask.mrc``; ``fsc.csv``, ``fsc.star``, ``resolution.csv``, ``fsc.png``.
    """
    half1, half2 = (sums.of_half(number).volume(regularisation) for number in (0, 1))
    full_map = sums.full().volume(regularisation)
    mask = assessment.soft_mask(full_map, pixel_size_angstrom)
    for name, volume in {"half1": half1, "half2": half2, "map": full_map, "mask": mask}.items():
        write_volume(directory / f"{name}.mrc", volume, pixel_size_angstrom)
    n = full_map.shape[-1]
    curves = half_map_curves(half1, half2, mask, randomise_below=assessment.randomise_below, seed=assessment.seed)
    reference = assessment.read_reference(n, pixel_size_angstrom)
    table = fsc_table(curves, None if reference is None else fsc(full_map, reference), n, pixel_size_angstrom)
    resolutions = resolution_table(table, n, pixel_size_angstrom)
    write_csv(directory / "fsc.csv", table)
    write_csv(directory / "resolution.csv", resolutions)
    randomised_from = n * pixel_size_angstrom / max(curves.randomised_from, 1)
    write_fsc_star(directory / "fsc.star", table, resolutions, randomised_from)
    compression = float(n**2 * sums.particles.sum() / sums.measured)
    first, second = sums.particles.tolist()
    title = f"{first} + {second} particles of {n} px at {pixel_size_angstrom:g} Å, compression (dof) {compression:.3g}"
    draw_map(directory / "fsc.png", table, resolutions, full_map, mask, pixel_size_angstrom, title)
    return {"particles": first + second, "half_sets": [first, second], "compression_dof": compression}


def write_volume(path: Path, volume: Tensor, pixel_size_angstrom: float) -> None:
    """(n, n, n) -> an MRC map of float32, whole or not at all."""
    with written_whole(path) as unfinished, mrcfile.new(unfinished, overwrite=True) as mrc:
        mrc.set_data(volume.float().cpu().numpy())
        mrc.voxel_size = pixel_size_angstrom
