"""RELION columns as cryoDRGN's ``poses.pkl`` and ``ctf.pkl``, as its ``parse_pose_star`` and ``parse_ctf_star`` write them."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np

from cryosense.errors import ParticleDataError
from cryosense.files.writing import written_whole

from .radians import POSE
from .ranges import check_origins, check_ranges
from .rotations import relion_matrices
from .stack import ParticleStack

ORIGINS = ["rlnOriginXAngst", "rlnOriginYAngst"]
ORIGINS_IN_PIXELS = ["rlnOriginX", "rlnOriginY"]
CTF = ["rlnDefocusU", "rlnDefocusV", "rlnDefocusAngle", "rlnVoltage", "rlnSphericalAberration", "rlnAmplitudeContrast"]
PHASE_SHIFT = "rlnPhaseShift"
TREATED = ("rlnCtfDataArePhaseFlipped", "rlnCtfDataAreCtfPremultiplied")
# Everything for which the files have a place.
USED = (*POSE, *ORIGINS, *ORIGINS_IN_PIXELS, *CTF, PHASE_SHIFT)
# Fixed, so that the same numbers give the same bytes; the protocol that cryoDRGN itself writes.
PICKLE_PROTOCOL = 4


def write_cryodrgn(directory: Path, stack: ParticleStack) -> tuple[Path, Path]:
    """Write ``poses.pkl`` and ``ctf.pkl`` for the images of a stack, in its order, and return their paths.

    - poses: rotations (n, 3, 3) float64, RELION's matrices; translations (n, 2) float64, fractions of the box.
    - ctf: (n, 9) float32: box in pixels, Angstrom per pixel, defocus U and V (Angstrom), astigmatism angle (degrees), voltage
      (kV), spherical aberration (mm), amplitude contrast, phase shift (degrees). cryoDRGN's CTF has no B-factor and no scale.

    Origins and a phase shift that a file does not have are zero, as in RELION. Existing files with the same content stay.

    Raises:
        ParticleDataError: before anything is written: columns that are missing, hold no numbers or some that no microscope
            has, images that were multiplied by their CTF or its sign, no pixel size or two, a file with other content.
    """
    stack.check_pixel_size()
    made = {
        directory / "poses.pkl": pickle.dumps(_poses(stack), protocol=PICKLE_PROTOCOL),
        directory / "ctf.pkl": pickle.dumps(_ctf(stack), protocol=PICKLE_PROTOCOL),
    }
    for path, content in made.items():
        if path.exists() and path.read_bytes() != content:
            raise ParticleDataError(f"{path}: exists with other content and is not overwritten; name another output_dir")
    directory.mkdir(parents=True, exist_ok=True)
    for path, content in made.items():
        with written_whole(path) as unfinished:
            unfinished.write_bytes(content)
    return directory / "poses.pkl", directory / "ctf.pkl"


def folder_of_images(stack: ParticleStack) -> Path | None:
    """Return the folder, absolute, in which cryoDRGN finds the images that a stack's table names: its ``--datadir``.

    cryoDRGN looks in the table's own folder alone, unless it is told another; RELION's names begin in the project's. Absolute
    names it takes as they are where the folder is the root.

    Raises:
        ParticleDataError: names that lead to the images from no one folder.
    """
    names = list(dict.fromkeys(stack.metadata["rlnImageName"].astype(str).str.rpartition("@")[2]))
    found = {path.resolve() for path in stack.files}
    folder = stack.path.absolute().parent
    for each in [Path("/")] if Path(names[0]).is_absolute() else [folder, *folder.parents, Path.cwd()]:
        if all((each / name).is_file() and (each / name).resolve() in found for name in names):
            return each
    raise ParticleDataError(
        f"{stack.path}: rlnImageName {names[0]} leads to the images from no folder at or above the file's: cryoDRGN would not "
        "find them; correct the names"
    )


def _poses(stack: ParticleStack) -> tuple[np.ndarray, np.ndarray]:
    """Return rotations (n, 3, 3) and translations (n, 2), float64."""
    angles = _numbers(stack, POSE, "poses, which a refinement writes")
    return relion_matrices(angles), _origins_in_pixels(stack) / stack.box_size


def _origins_in_pixels(stack: ParticleStack) -> np.ndarray:
    for names, unit_angstrom in ((ORIGINS, _pixel_size(stack)), (ORIGINS_IN_PIXELS, 1.0)):
        if any(stack.tables.has(name) for name in names):
            origins = _numbers(stack, names, "the origin along both axes, or along neither") / unit_angstrom
            check_origins(stack.tables, origins * _pixel_size(stack), stack.box_size * _pixel_size(stack))
            return origins
    return np.zeros((len(stack), 2))


def _ctf(stack: ParticleStack) -> np.ndarray:
    """Return the CTF parameters, (n, 9) float32."""
    for name in TREATED:
        if stack.tables.has(name) and stack.tables.numbers([name]).any():
            raise ParticleDataError(
                f"{stack.path}: {name} is not 0: cryoDRGN models images as they were recorded: give those instead"
            )
    ctf = _numbers(stack, CTF, "CTF parameters")
    phase_shift = stack.tables.numbers([PHASE_SHIFT], 0.0)
    check_ranges(stack.tables, [PHASE_SHIFT], phase_shift)
    box = np.tile([float(stack.box_size), _pixel_size(stack)], (len(stack), 1))
    return np.concatenate([box, ctf, phase_shift], axis=1).astype(np.float32)


def _pixel_size(stack: ParticleStack) -> float:
    if stack.pixel_size_angstrom is None:
        raise ParticleDataError(f"{stack.path}: no pixel size: give pixel_size_angstrom")
    return stack.pixel_size_angstrom


def _numbers(stack: ParticleStack, names: list[str], what: str) -> np.ndarray:
    """Return the columns, (n, columns) float64, all finite and in range."""
    stack.tables.require(names, f"cryoDRGN needs {what}; metadata names a file that has them")
    values = stack.tables.numbers(names)
    check_ranges(stack.tables, names, values)
    return values
