"""The answers of `cryosense advise` with poses found anew in what they measured; see README.md.

Particles as they are and what each answer measured are matched with the true map, its fine shells left out, by `cryosense
align`; what is found is back-projected, and compared with what is found from the particles as they are.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import starfile
import torch
from designed import schemes
from growing import UNCOMPRESSED, checked, completed, missing
from omegaconf import DictConfig
from run import POSES_TABLE, cells, composed, folder_of, particles, settings
from trials import SCHEMES, Cell, Maps

from cryosense.alignment import angles_between_deg
from cryosense.cli.align import align
from cryosense.data import ParticleSource
from cryosense.measurement.file import open_particles
from cryosense.volumes.poses import rotation_matrices
from cryosense.volumes.symmetry import point_group

ANGLES = ["rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi"]
REPLICATES, FAR_DEG = 2000, 20.0


def aligned(source: Path, star: Path, directory: Path, study: DictConfig, symmetry: str, size: float) -> Path:
    """-> the STAR file of poses found in ``source``, those in it not looked at."""
    words = [f"data.path={source}", f"output_dir={directory}", f"symmetry={symmetry}"]
    words += [
        f"reference={star.parent / 'volume.mrc'}",
        f"reference_resolution_angstrom={study.poses.resolution_pixels * size}",
    ]
    align(composed("align", words))
    return directory / "particles.star"


def errors_deg(found: Path, truth: Path, symmetry: str) -> np.ndarray:
    """-> (n,) angles to the true poses, in the order of the images."""
    rotations = []
    for path in (found, truth):
        table = starfile.read(path, always_dict=True)["particles"]
        table = table.assign(image=table["rlnImageName"].str.split("@").str[0].astype(int)).sort_values("image")
        rotations.append(rotation_matrices(torch.tensor(table[ANGLES].to_numpy(dtype=float))))
    return np.asarray(angles_between_deg(rotations[0], rotations[1], point_group(symmetry)))


def compared(found: np.ndarray, original: np.ndarray) -> dict[str, float]:
    """-> the median error, and its ratio to the originals' over particles drawn in pairs."""
    drawn = np.random.default_rng(0).integers(len(found), size=(REPLICATES, len(found)))
    ratios = np.median(found[drawn], axis=1) / np.median(original[drawn], axis=1)
    low, high = np.quantile(ratios, [0.025, 0.975])
    return {
        "median_deg": float(np.median(found)),
        "within_20_deg": float(np.mean(found < FAR_DEG)),
        "angular_error_measured": float(np.median(found) / np.median(original)),
        "angular_error_low": float(low),
        "angular_error_high": float(high),
    }


def rows(cell: Cell, star: Path, names: list[str], study: DictConfig, symmetry: str) -> Iterator[dict[str, object]]:
    """-> one for the particles as they are, and one for each scheme that is named."""
    size, work = cell.sample.pixel_size_angstrom, star.parents[1] / "poses"
    poses = aligned(star, star, work / "uncompressed", study, symmetry, size)
    original = errors_deg(poses, star, symmetry)
    found: Maps = cell.maps(ParticleSource.open(poses, None, None, None, None, None))
    known = cell.judged(found)["equivalent_measured"]
    reference = (found[0], found[1])
    yield {"scheme": UNCOMPRESSED, "of_known_poses": known} | cell.judged(found, reference) | compared(original, original)
    ladder = cell.ladder(names)
    for bits in study.poses.bits_per_pixel:
        ladder |= {f"{name}, {bits:g} bits": each for name, each in schemes(cell, symmetry, bits)}
    checked([name for name in names if name not in (UNCOMPRESSED, *SCHEMES)], list(ladder))
    for name in [name for name in ladder if name in names]:
        path = work / f"{''.join(c if c.isalnum() else '_' for c in name)}.cryo.h5"
        sized = cell.measured(ladder[name], path)
        poses = aligned(path, star, path.with_suffix(".poses"), study, symmetry, size)
        found = cell.maps(open_particles(path, metadata=poses))
        row = {"scheme": name, "bytes_measured": sized, "of_known_poses": cell.judged(found)["equivalent_measured"]}
        errors = compared(errors_deg(poses, star, symmetry), original)
        yield row | cell.expected_of(ladder[name]) | cell.judged(found, reference) | errors


def main() -> None:
    """Make the rows that are not there yet, in the order of ``poses.snrs``."""
    study, began = settings(), time.monotonic()
    order = {snr: i for i, snr in enumerate(study.poses.snrs)}
    for molecule, snr, seed in sorted((each for each in cells(study) if each[1] in order), key=lambda each: order[each[1]]):
        folder, symmetry = folder_of(study, molecule, snr, seed), study.molecules[molecule].symmetry
        names = missing([UNCOMPRESSED, *study.poses.schemes], folder / POSES_TABLE)
        if not names:
            continue
        if study.minutes is not None and time.monotonic() - began > 60 * study.minutes:
            break
        folder.mkdir(parents=True, exist_ok=True)
        star = particles(folder, study, molecule, snr, seed)
        cell = Cell.of(star, study, symmetry)
        about = {"molecule": molecule, "snr": snr, "seed": seed, "box_size": cell.truth.shape[-1]}
        completed(folder / POSES_TABLE, rows(cell, star, names, study, symmetry), about)


if __name__ == "__main__":
    main()
