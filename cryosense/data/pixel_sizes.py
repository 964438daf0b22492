"""The pixel size of a set of particles, from wherever it is written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from cryosense.errors import ParticleDataError

HEADER_TOLERANCE = 0.01


def metadata_pixel_sizes(particles: pd.DataFrame, optics: pd.DataFrame | None) -> dict[str, float]:
    """Return pixel sizes in Angstrom by their source: per optics group (3.1), or from detector and magnification (3.0)."""
    if optics is not None and "rlnImagePixelSize" in optics.columns:
        used = optics[optics["rlnOpticsGroup"].isin(particles["rlnOpticsGroup"].unique())]
        groups = zip(used["rlnOpticsGroup"], _numbers(used["rlnImagePixelSize"]), strict=True)
        found = {f"optics group {group}": float(size) for group, size in groups}
        if "rlnImagePixelSize" in particles.columns:
            own = _numbers(particles["rlnImagePixelSize"]).unique()
            found |= {f"rlnImagePixelSize of particles {size}": float(size) for size in own}
        return found
    for name in ("rlnImagePixelSize", "rlnPixelSize"):
        if name in particles.columns:
            return {f"{name} {size}": float(size) for size in _numbers(particles[name]).unique()}
    if {"rlnDetectorPixelSize", "rlnMagnification"} <= set(particles.columns):
        sizes = 1e4 * _numbers(particles["rlnDetectorPixelSize"]) / _numbers(particles["rlnMagnification"])
        return {f"rlnDetectorPixelSize / rlnMagnification {size:.6g}": float(f"{size:.6g}") for size in sizes.unique()}
    return {}


def common_pixel_size(path: Path, sizes: dict[str, float]) -> float | None:
    """Return the one pixel size among those found, None if there is none.

    Raises:
        ParticleDataError: sizes that differ (images of different scale must not be mixed) or are not positive.
    """
    if not sizes:
        return None
    values = list(sizes.values())
    if not all(np.isfinite(size) and size > 0 for size in values):
        listed = ", ".join(f"{where}: {size}" for where, size in sizes.items())
        raise ParticleDataError(f"{path}: pixel sizes must be positive ({listed}); correct them or give pixel_size_angstrom")
    if not np.allclose(values, values[0], rtol=1e-4, atol=0):
        listed = ", ".join(f"{where}: {size:g} Angstrom" for where, size in sizes.items())
        raise ParticleDataError(
            f"{path}: particles of different pixel size ({listed}); select those of one, or bring them to one scale first"
        )
    return values[0]


def check_headers(path: Path, size: float, headers: dict[Path, float]) -> None:
    """Raise ParticleDataError if an image file's header contradicts the metadata's pixel size ``size`` in Angstrom.

    Headers are rounded, so one per cent is allowed; and so is 1 Angstrom, which programs write that do not know it.
    """
    for image_path, header in headers.items():
        if header != 1 and abs(header - size) > HEADER_TOLERANCE * size:
            raise ParticleDataError(
                f"{path}: pixel size {size:g} Angstrom, but {image_path} says {header:g} in its header; correct the wrong "
                "one, or give the right one (pixel_size_angstrom)"
            )


def check_optics(path: Path, particles: pd.DataFrame, optics: pd.DataFrame, box_size: int, sizes_must_agree: bool) -> None:
    """Raise ParticleDataError for particles without optics group, or groups of images of another box."""
    for table, name in ((particles, "data_particles"), (optics, "data_optics")):
        if "rlnOpticsGroup" not in table.columns:
            raise ParticleDataError(f"{path}: {name} has no column rlnOpticsGroup")
    if not optics["rlnOpticsGroup"].is_unique:
        raise ParticleDataError(f"{path}: data_optics describes one optics group twice: remove one")
    unknown = _without(particles["rlnOpticsGroup"], optics["rlnOpticsGroup"])
    if unknown:
        raise ParticleDataError(f"{path}: particles of optics group {unknown[0]}, which data_optics does not describe")
    used = optics[optics["rlnOpticsGroup"].isin(particles["rlnOpticsGroup"].unique())]
    if "rlnImageDimensionality" in optics.columns and (_numbers(used["rlnImageDimensionality"]) == 3).any():
        raise ParticleDataError(f"{path}: rlnImageDimensionality is 3: sub-tomograms are not read, only images")
    if not sizes_must_agree or "rlnImageSize" not in optics.columns:
        return
    for group, size in zip(used["rlnOpticsGroup"], _numbers(used["rlnImageSize"]), strict=True):
        if size != box_size:
            raise ParticleDataError(
                f"{path}: optics group {group} has rlnImageSize {size:g}, but the images have {box_size} px, so its pixel "
                "size cannot be theirs either; correct data_optics, or give the pixel size of the images (pixel_size_angstrom)"
            )


def _numbers(column: pd.Series) -> pd.Series:
    """Return the column as float64; what is not a number is NaN, which no size can be."""
    return pd.to_numeric(column, errors="coerce").astype(float)


def _without(values: pd.Series, known: pd.Series) -> list[object]:
    present = set(known)
    return [value for value in values.unique() if value not in present]
