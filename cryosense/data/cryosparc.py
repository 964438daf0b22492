"""cryoSPARC ``.cs`` files as RELION columns."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from cryosense.errors import ParticleDataError
from cryosense.files.limits import require_regular

from .optics import split_optics
from .rotations import relion_angles
from .tables import Tables

# Columns that only change their names, and those converted from radians to degrees.
_SAME = {
    "ctf/df1_A": "rlnDefocusU",
    "ctf/df2_A": "rlnDefocusV",
    "ctf/accel_kv": "rlnVoltage",
    "ctf/cs_mm": "rlnSphericalAberration",
    "ctf/amp_contrast": "rlnAmplitudeContrast",
    "ctf/bfactor": "rlnCtfBfactor",
    "blob/psize_A": "rlnImagePixelSize",
    "location/micrograph_path": "rlnMicrographName",
    "location/micrograph_psize_A": "rlnMicrographPixelSize",
    "filament/filament_uid": "rlnHelicalTubeID",
}
LARGEST_FIELD_BYTES, LARGEST_ROW_BYTES = 4096, 2**16
_RADIANS = {"ctf/df_angle_rad": "rlnDefocusAngle", "ctf/phase_shift_rad": "rlnPhaseShift"}
# Aberrations: zero unless a refinement of them was run.
_HIGHER = ("ctf/tilt_A", "ctf/shift_A", "ctf/trefoil_A", "ctf/tetra_A", "ctf/anisomag")
# Counted from 0 in cryoSPARC, from 1 in RELION.
_COUNTED = {"alignments3D/split": "rlnRandomSubset", "alignments3D/class": "rlnClassNumber"}


def read_cs(paths: Sequence[Path]) -> tuple[Tables, np.ndarray | None]:
    """Return the tables, and the sign (n,) of the images or None for 1, from a ``.cs`` file and its passthrough files.

    Files are joined by ``uid``, in the order of the first.

    Conventions, as pyem (Asarnow, Palovcak and Cheng 2019) converts them:

    - ``alignments3D/pose`` is a rotation vector v; RELION's matrix is the transpose of exp([v]x);
    - ``alignments3D/shift`` is in pixels of ``alignments3D/psize_A`` (else of ``blob/psize_A``), and has RELION's sign: times
      the pixel size it is ``rlnOriginXAngst``, ``rlnOriginYAngst``;
    - ``blob/idx``, ``split`` and ``class`` count from 0, RELION from 1; angles in radians become degrees; particles that were
      never split (``split`` is 0 for all) have no half sets;
    - particles with the same constants and ``ctf/exp_group_id`` form an optics group;
    - images are multiplied by ``blob/sign`` as they are read, projections by ``ctf/scale`` and ``alignments3D/alpha``;
    - ``location/center_x_frac`` and the like are fractions of the micrograph.

    Higher aberrations, and alignments other than to a single class in 3D, have no column here: where they are not zero, the
    tables name them as not read.

    Raises:
        ParticleDataError: a file that is not a structured array, signs other than 1 and -1, or passthrough files that lack a
            particle or have it twice.
    """
    first, *others = (_load(path) for path in paths)
    fields = {name: first[name] for name in _names(first)}
    for path, other in zip(paths[1:], others, strict=True):
        rows = _rows_of(paths[0], first, path, other)
        fields |= {name: other[name][rows] for name in _names(other) if name not in fields}
    try:
        columns = _relion_columns(paths[0], fields)
        not_read = tuple(name for name in fields if _has_no_column(name, fields))
        sign = _sign(paths[0], fields)
    except (UnicodeDecodeError, TypeError, IndexError) as error:
        raise ParticleDataError(f"{paths[0]}: a field is not of the type that cryoSPARC writes: {error}") from error
    group_by = ["exp_group_id"] if "exp_group_id" in columns else []
    return Tables(paths[0], *split_optics(pd.DataFrame(columns, index=range(len(first))), group_by), not_read), sign


def _has_no_column(name: str, fields: dict[str, np.ndarray]) -> bool:
    """Return whether a field says something about how images came about that RELION's columns here do not."""
    if name in _HIGHER:
        return bool(fields[name].any())
    return name in ("alignments2D/pose", "alignments3D_multi/pose") and "alignments3D/pose" not in fields


def _sign(path: Path, fields: dict[str, np.ndarray]) -> np.ndarray | None:
    """Return the sign of the images, (n,) 1 or -1, None where all are 1."""
    sign = fields.get("blob/sign")
    if sign is None or (sign == 1).all():
        return None
    if not np.isin(sign, (-1, 1)).all():
        raise ParticleDataError(f"{path}: blob/sign must be 1 or -1, by which cryoSPARC multiplies images as it reads them")
    return sign.astype(np.float64)


def _relion_columns(path: Path, fields: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    columns: dict[str, np.ndarray] = {}
    columns |= {new: _plain(fields[old]) for old, new in _SAME.items() if old in fields}
    columns |= {new: np.rad2deg(_radians(path, fields, old)) for old, new in _RADIANS.items() if old in fields}
    columns |= {new: fields[old].astype(np.int64) + 1 for old, new in _COUNTED.items() if old in fields}
    if "rlnRandomSubset" in columns and len(np.unique(columns["rlnRandomSubset"])) == 1:
        del columns["rlnRandomSubset"]
    if "ctf/exp_group_id" in fields:
        columns["exp_group_id"] = fields["ctf/exp_group_id"]
    scales = [_plain(fields[name]) for name in ("ctf/scale", "alignments3D/alpha") if name in fields]
    if scales:
        columns["rlnCtfScalefactor"] = np.prod(scales, axis=0)
    if {"location/center_x_frac", "location/center_y_frac", "location/micrograph_shape"} <= fields.keys():
        for name, axis in (("x", 1), ("y", 0)):
            side = fields["location/micrograph_shape"][:, axis]
            columns[f"rlnCoordinate{name.upper()}"] = fields[f"location/center_{name}_frac"].astype(np.float64) * side
    return columns | _image_columns(fields) | _pose_columns(path, fields)


def _radians(path: Path, fields: dict[str, np.ndarray], name: str) -> np.ndarray:
    """Return angles (n,), or rotation vectors (n, 3), in float64. Raises ParticleDataError for more than a turn."""
    values = fields[name].astype(np.float64)
    angles = np.abs(values).max(axis=tuple(range(1, values.ndim)), initial=0)
    beyond = np.flatnonzero(angles > 2 * np.pi + 1e-3)
    if len(beyond):
        raise ParticleDataError(
            f"{path}: {name} is {angles[beyond[0]]:g} for particle {beyond[0]}, counted from 0, and {len(beyond) - 1} more: "
            "more than a turn; cryoSPARC's angles are radians (is it in degrees?)"
        )
    return values


def _load(path: Path) -> np.ndarray:
    try:
        require_regular(path)
        table = np.load(path, mmap_mode="r", allow_pickle=False)  # checks the size of the file before memory is taken
    except Exception as error:  # numpy parses the header as Python text and raises whatever that raises
        raise ParticleDataError(f"{path}: not a readable cryoSPARC file: {error}") from error
    if not isinstance(table, np.ndarray) or table.dtype.names is None or table.ndim != 1:
        raise ParticleDataError(f"{path}: not a cryoSPARC file: it holds no table with named columns")
    if len(table) > path.stat().st_size:
        raise ParticleDataError(f"{path}: states {len(table)} particles, but holds no data for them")
    for name in table.dtype.names:
        if table.dtype[name].itemsize > LARGEST_FIELD_BYTES or table.dtype.itemsize > LARGEST_ROW_BYTES:
            raise ParticleDataError(
                f"{path}: {name} takes {table.dtype[name].itemsize} bytes for each particle, a particle "
                f"{table.dtype.itemsize}; at most {LARGEST_FIELD_BYTES} and {LARGEST_ROW_BYTES} are read"
            )
    if "blob/idx" in table.dtype.names and table.dtype["blob/idx"].kind not in "iu":
        raise ParticleDataError(f"{path}: blob/idx holds {table.dtype['blob/idx']}, not whole numbers of images")
    return np.array(table)


def _names(table: np.ndarray) -> tuple[str, ...]:
    return table.dtype.names or ()


def _rows_of(first_path: Path, first: np.ndarray, path: Path, other: np.ndarray) -> np.ndarray:
    """Return the rows of ``other`` in the order of ``first``."""
    if "uid" not in _names(first) or "uid" not in _names(other):
        raise ParticleDataError(f"{path}: cannot be joined to {first_path.name}: both need the field uid")
    order = np.argsort(other["uid"], kind="stable")
    twice = other["uid"][order[1:][np.diff(other["uid"][order]) == 0]]
    if len(twice):
        raise ParticleDataError(f"{path}: cannot be joined to {first_path.name}: uid {twice[0]} stands in it twice")
    position = np.searchsorted(other["uid"], first["uid"], sorter=order)
    found = position < len(other)
    found[found] = other["uid"][order[position[found]]] == first["uid"][found]
    if not found.all():
        raise ParticleDataError(f"{path}: {np.count_nonzero(~found)} particles of {first_path.name} are missing (by uid)")
    return order[position]


def _plain(values: np.ndarray) -> np.ndarray:
    """Return numbers as float64 without float32's trailing digits, byte strings as text."""
    if values.dtype.kind == "S":
        return np.array([value.decode("utf-8") for value in values.tolist()], dtype=object)  # as long as each is
    return np.array([float(str(value)) for value in values]) if values.dtype == np.float32 else values


def _image_columns(fields: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    columns: dict[str, np.ndarray] = {}
    if "blob/path" in fields and "blob/idx" in fields:
        # cryoSPARC marks paths that it made itself with a leading ">".
        paths = [str(path).removeprefix(">") for path in _plain(fields["blob/path"])]
        names = [f"{number + 1:06d}@{path}" for number, path in zip(fields["blob/idx"], paths, strict=True)]
        columns["rlnImageName"] = np.array(names, dtype=object)
    if "blob/shape" in fields:
        columns["rlnImageSize"] = fields["blob/shape"][:, 0].astype(np.int64)
    return columns


def _pose_columns(path: Path, fields: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    columns: dict[str, np.ndarray] = {}
    if "alignments3D/pose" in fields:
        from scipy.spatial.transform import Rotation  # here, since SciPy takes half a second to import

        vectors = _radians(path, fields, "alignments3D/pose")
        angles = relion_angles(Rotation.from_rotvec(vectors).as_matrix().transpose(0, 2, 1))
        columns |= dict(zip(("rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi"), angles.T, strict=True))
    if "alignments3D/shift" in fields:
        name = "alignments3D/psize_A" if "alignments3D/psize_A" in fields else "blob/psize_A"
        if name not in fields:
            raise ParticleDataError(f"{path}: shifts in pixels, but no pixel size: add the passthrough file with blob/psize_A")
        shift = fields["alignments3D/shift"].astype(np.float64) * _plain(fields[name])[:, None]
        columns |= {"rlnOriginXAngst": shift[:, 0], "rlnOriginYAngst": shift[:, 1]}
    return columns
