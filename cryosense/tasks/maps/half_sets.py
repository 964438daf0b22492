"""Two half sets that share no noise: particles of one image, of one place or of one filament stay together.

An FSC of half maps measures what the halves have in common. For rows that show the same pixels (symmetry expansion, a table
joined with itself, overlapping boxes of a filament) some of that is noise: the FSC of pure noise can be 1 in every shell.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from cryosense.data import ParticleDataError, ParticleStack
from cryosense.data.tables import as_numbers

HALF_SET = "rlnRandomSubset"
MICROGRAPH, COORDINATES, TUBE = "rlnMicrographName", ["rlnCoordinateX", "rlnCoordinateY"], "rlnHelicalTubeID"
MICROGRAPH_PIXELS = ("rlnMicrographOriginalPixelSize", "rlnMicrographPixelSize")
ORIGINAL_NAME = "rlnImageOriginalName"
# Two particles are no nearer than this share of a box that holds one of them with some space around it.
NEAR = 0.25
# Positions are resolved to this share of that distance, so that a clump of them does not give a square of pairs.
CELL = 0.25


@dataclass(frozen=True)
class HalfSets:
    """Half set 0 or 1 of each particle, (n,) int64, and warnings about them, one line each."""

    of: Tensor
    warnings: tuple[str, ...]

    @classmethod
    def of_stack(cls, stack: ParticleStack) -> HalfSets:
        """Return those of ``rlnRandomSubset``, else alternate between halves, keeping particles that share noise together.

        Raises:
            ParticleDataError: an empty half set, other numbers than 1 and 2, or one image in both half sets of the file.
        """
        tables, ties = stack.tables, _ties(stack)
        if not tables.has(HALF_SET):
            together = _joined(list(ties.values()), len(stack))
            half_set = _alternating(together)
            _both_there(stack, half_set, f"{together.max() + 1} sets of particles that share pixels")
            return cls(torch.from_numpy(half_set), ())
        values = tables.numbers([HALF_SET])[:, 0]
        if not np.isin(values, (1, 2)).all():
            raise ParticleDataError(f"{stack.path}: {HALF_SET} must be 1 or 2, the half set of each particle")
        half_set = values.astype(np.int64) - 1
        _both_there(stack, half_set, HALF_SET)
        torn = {name: _torn(codes, half_set) for name, codes in ties.items()}
        if torn[_IMAGE]:
            raise ParticleDataError(
                f"{stack.path}: {torn[_IMAGE]} particles are in the table more than once, in both half sets ({HALF_SET}): "
                "their noise would pass for signal; keep each once, or remove the column to have them divided"
            )
        told = [f"{count} share {name} with one of the other half set" for name, count in torn.items() if count]
        warning = f"{HALF_SET}: particles share noise across half sets, which the FSC takes for signal: {', '.join(told)}"
        return cls(torch.from_numpy(half_set), (warning,) if told else ())


_IMAGE, _FILAMENT = "an image", "a filament"
_PLACE = f"a place of a micrograph (centres within {NEAR:g} of the box)"


def _ties(stack: ParticleStack) -> dict[str, np.ndarray]:
    """Return codes (n,) by what ties particles together: those with the same code share pixels."""
    table = stack.tables.particles
    image = stack.same_image
    if ORIGINAL_NAME in table.columns:
        named = ~table[ORIGINAL_NAME].astype(str).isin(["", "None", "nan"])
        image = _joined([image, np.where(named, table[ORIGINAL_NAME].factorize()[0], -1)], len(table))
    ties = {_IMAGE: image, _PLACE: _places(stack), _FILAMENT: np.arange(len(table))}
    if {MICROGRAPH, TUBE} <= set(table.columns):
        ties[_FILAMENT] = table.groupby([MICROGRAPH, TUBE], sort=False).ngroup().to_numpy()
    return ties


def _places(stack: ParticleStack) -> np.ndarray:
    """Return codes (n,), the same for particles of one micrograph whose boxes' centres lie near each other."""
    tables, pixel_size = stack.tables, stack.pixel_size_angstrom
    if not {MICROGRAPH, *COORDINATES} <= set(tables.particles.columns) or pixel_size is None:
        return np.arange(len(stack))
    unit = np.full(len(stack), pixel_size)
    for name in MICROGRAPH_PIXELS:
        if tables.has(name):
            unit = as_numbers(tables.column(name))
            break
    near = NEAR * stack.box_size * pixel_size
    places = tables.numbers(COORDINATES) * np.where((unit > 0) & np.isfinite(unit), unit, pixel_size)[:, None]
    micrograph = tables.particles[MICROGRAPH].factorize()[0]
    cells = np.column_stack([micrograph, np.round(places / (CELL * near))]).astype(np.int64)
    different, cell = np.unique(cells, axis=0, return_inverse=True)
    # Micrographs are stacked along a third axis, too far apart for a pair.
    centres = np.column_stack([different[:, 0] * 10 * near, different[:, 1:] * CELL * near])
    from scipy.spatial import cKDTree  # here, since SciPy takes half a second to import

    pairs = cKDTree(centres).query_pairs(near, output_type="ndarray")
    return _components(pairs[:, 0], pairs[:, 1], len(different))[cell.reshape(-1)]


def _joined(ties: list[np.ndarray], count: int) -> np.ndarray:
    """Return codes (n,), the same for whatever any of several kinds of codes (n,) ties together; -1 ties nothing."""
    ties = [codes for codes in ties if pd.Series(codes[codes >= 0]).duplicated().any()]
    if not ties:
        return np.arange(count)
    rows, columns, first = [], [], count
    for codes in ties:
        tied = np.flatnonzero(codes >= 0)
        number = pd.factorize(codes[tied])[0]
        rows.append(tied)
        columns.append(first + number)
        first += int(number.max(initial=-1)) + 1
    return pd.factorize(_components(np.concatenate(rows), np.concatenate(columns), first)[:count])[0]


def _components(rows: np.ndarray, columns: np.ndarray, count: int) -> np.ndarray:
    from scipy.sparse import coo_array  # here, since SciPy takes half a second to import
    from scipy.sparse.csgraph import connected_components

    edges = coo_array((np.ones(len(rows), np.int8), (rows, columns)), shape=(count, count))
    return np.asarray(connected_components(edges, directed=False)[1], np.int64)


def _alternating(together: np.ndarray) -> np.ndarray:
    """Return 0 or 1 (n,) for codes (n,) in order of appearance: each set goes whole to the half with fewer particles."""
    sizes = np.bincount(together)
    if (sizes == 1).all():
        return np.arange(len(together)) % 2
    half, filled = np.empty(len(sizes), np.int64), [0, 0]
    for code, size in enumerate(sizes.tolist()):
        half[code] = int(filled[1] < filled[0])
        filled[half[code]] += size
    return half[together]


def _torn(codes: np.ndarray, half_set: np.ndarray) -> int:
    """Return how many particles share their code with one in the other half set."""
    number = pd.factorize(codes)[0]
    in_second, all_of_it = np.bincount(number, half_set), np.bincount(number)
    return int(all_of_it[(in_second > 0) & (in_second < all_of_it)].sum())


def _both_there(stack: ParticleStack, half_set: np.ndarray, why: str) -> None:
    for half in (0, 1):
        if not (half_set == half).any():
            raise ParticleDataError(
                f"{stack.path}: no particle is in half set {half + 1} ({why}): an FSC needs both; give the particles of "
                "both halves, or remove the column to have them divided"
            )
