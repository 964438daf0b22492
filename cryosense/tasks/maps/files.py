"""Maps of a back-projection as files, with what was found of them."""

from __future__ import annotations

from pathlib import Path

import mrcfile
from torch import Tensor

from cryosense.files.tables import write_csv
from cryosense.files.writing import written_whole
from cryosense.tasks.maps.assessment import Findings, Reconstruction
from cryosense.tasks.maps.fsc_files import write_fsc_star


def write_maps(directory: Path, made: Reconstruction, found: Findings) -> dict[str, object]:
    """Write maps, mask, curves and resolutions, and return a summary.

    ``half1.mrc``, ``half2.mrc``, ``map.mrc``, ``mask.mrc``; ``fsc.csv``, ``fsc.star``, ``resolution.csv``; ``anisotropy.csv``.
    """
    n, pixel_size = made.full_map.shape[-1], made.pixel_size_angstrom
    volumes = {"half1": made.halves[0], "half2": made.halves[1], "map": made.full_map, "mask": found.mask}
    for name, volume in volumes.items():
        write_volume(directory / f"{name}.mrc", volume, pixel_size)
    write_csv(directory / "fsc.csv", found.table)
    write_csv(directory / "resolution.csv", found.resolutions)
    write_csv(directory / "anisotropy.csv", found.anisotropy.table)
    randomised_from = n * pixel_size / max(found.curves.randomised_from, 1)
    write_fsc_star(directory / "fsc.star", found.table, found.resolutions, randomised_from)
    first, second = made.sums.particles.tolist()
    compression = float(n**2 * made.sums.particles.sum() / made.sums.measured)
    return {
        "particles": first + second,
        "half_sets": [first, second],
        "half_sets_digest": made.half_sets,
        "compression_dof": compression,
        "equivalent_particles": found.equivalent_particles,
        "unreached_share": found.anisotropy.unreached_share,
        "warning": found.anisotropy.warning(),
    }


def write_volume(path: Path, volume: Tensor, pixel_size_angstrom: float) -> None:
    """Write a volume (n, n, n) as an MRC map of float32, whole or not at all."""
    with written_whole(path) as unfinished, mrcfile.new(unfinished, overwrite=True) as mrc:
        mrc.set_data(volume.float().cpu().numpy())
        mrc.voxel_size = pixel_size_angstrom
