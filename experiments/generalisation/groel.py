"""GroEL in several versions that differ in one property each: what of a measured map is it that a solver does not know?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import pandas as pd
import torch
from molecules import groel_map
from torch import Tensor

from cryosense import fourier
from cryosense.simulation.files import MapDensity, ModelDensity
from cryosense.simulation.pseudo_atoms import PseudoAtoms

RING = "1oel_groel_heptamer.pdb"  # beside the map
RESOLUTION_ANGSTROM = 8.0  # as the library renders
RINGS_APART_ANGSTROM = 2.0  # the equatorial faces, from the plane between them
CLASH_ANGSTROM, LOW_PASS_ANGSTROM, BODY_ANGSTROM = 4.0, 12.0, 15.0
VOLUME_ANGSTROM3 = 1.0e6  # of 14 subunits
EQUATOR, APEX = (6, 133), (191, 376)  # residues of those domains


@dataclass(frozen=True)
class Made:
    """A density from a function of box and pixel size."""

    density: Callable[[int, float], Tensor]

    def volumes(self, box_size: int, pixel_size_angstrom: float) -> Tensor:
        return self.density(box_size, pixel_size_angstrom).float()[None]

    def states(self) -> pd.DataFrame:
        return pd.DataFrame(index=range(1))


@lru_cache(maxsize=1)
def two_rings() -> PseudoAtoms:
    """-> the heptamer twice, back to back, turned so that they clash least, about the middle; z is the axis."""
    from cryosense.biology.model_files import read_structure

    path = groel_map().parent / RING
    ring = ModelDensity(str(path)).placed_atoms()
    structure = read_structure(path)
    structure.remove_waters()
    structure.remove_hydrogens()
    residue = torch.tensor([site.residue.seqid.num for site in structure[0].all()])
    x = _upright(ring.positions_angstrom - ring.positions_angstrom.mean(0))
    equator, apex = ((residue >= first) & (residue <= last) for first, last in (EQUATOR, APEX))
    if x[apex, 2].mean() < x[equator, 2].mean():
        x = x * x.new_tensor([1, -1, -1])
    x[:, 2] += RINGS_APART_ANGSTROM - torch.quantile(x[:, 2], 0.005)
    turns = torch.arange(0, 360 / 7, 2.0).deg2rad().double()
    other = min((_turned(x * x.new_tensor([1, -1, -1]), turn) for turn in turns), key=lambda each: _clashes(x, each))
    return PseudoAtoms(torch.cat([x, other]).float(), ring.weights.repeat(2))


def _upright(x: Tensor) -> Tensor:
    """-> points of a ring turned so that its axis, the one direction of inertia unlike two others, is z."""
    inertia, axes = torch.linalg.eigh(x.T @ x)
    lone = 0 if inertia[1] - inertia[0] > inertia[2] - inertia[1] else 2
    z, y = axes[:, lone], axes[:, 1]
    return x @ torch.stack([torch.linalg.cross(y, z), y, z]).T


def _turned(x: Tensor, angle: Tensor) -> Tensor:
    cos, sin = angle.cos(), angle.sin()
    return torch.stack([cos * x[:, 0] - sin * x[:, 1], sin * x[:, 0] + cos * x[:, 1], x[:, 2]], dim=1)


def _clashes(one: Tensor, other: Tensor) -> int:
    near = 8.0  # of the plane between them
    upper, lower = one[one[:, 2] < near][::3], other[other[:, 2] > -near][::3]
    return int((torch.cdist(upper, lower).min(1).values < CLASH_ANGSTROM).sum())


def rendered(box_size: int, pixel: float) -> Tensor:
    return two_rings().render(box_size, pixel, RESOLUTION_ANGSTROM).double()


def measured(box_size: int, pixel: float) -> Tensor:
    return MapDensity(str(groel_map())).volumes(box_size, pixel)[0].double()


def low_passed(volume: Tensor, pixel: float, resolution: float) -> Tensor:
    """-> a volume whose transform is multiplied by a Gaussian that falls to 1 / e at 1 / resolution."""
    n = volume.shape[-1]
    return _filtered(volume, torch.exp(-((resolution * fourier.frequency_radius(n, 3) / (n * pixel)) ** 2)))


def _filtered(volume: Tensor, gain: Tensor) -> Tensor:
    return fourier.ifftn(fourier.fftn(volume, 3) * gain, 3).real


def with_spectrum(volume: Tensor, like: Tensor) -> Tensor:
    """-> a volume with the radial amplitudes of another, its phases and its ratios within each shell kept."""
    index = fourier.shell_index(volume.shape[-1], 3)
    own, others = (
        torch.zeros(int(index.max()) + 1, dtype=torch.float64).index_add_(0, index.flatten(), power.flatten())
        for power in (fourier.fftn(each, 3).abs() ** 2 for each in (volume, like))
    )
    return _filtered(volume, (others / own.clamp_min(1e-30)).sqrt()[index])


def body(volume: Tensor, pixel: float) -> Tensor:
    """-> a soft mask, 1 where a smooth version of the map is among the highest of the protein's volume, 0 in solvent."""
    smooth = low_passed(volume, pixel, LOW_PASS_ANGSTROM)
    level = torch.quantile(smooth.flatten(), 1 - VOLUME_ANGSTROM3 / (volume.numel() * pixel**3))
    return torch.sigmoid((smooth - level) / (0.15 * level))


def versions() -> dict[str, Made]:
    """-> by what they are, densities of GroEL."""
    return {
        "map, as in the study": Made(measured),
        "map, solvent masked off": Made(lambda n, p: measured(n, p) * body(measured(n, p), p)),
        "map above its authors' contour": Made(lambda n, p: MapDensity(str(groel_map()), threshold=1.0).volumes(n, p)[0]),
        "map, low-pass 15 Å": Made(lambda n, p: low_passed(measured(n, p), p, BODY_ANGSTROM)),
        "map with rendered amplitudes": Made(lambda n, p: with_spectrum(measured(n, p), rendered(n, p))),
        "rendered with the map's amplitudes": Made(lambda n, p: with_spectrum(rendered(n, p), measured(n, p))),
        "rendered from atoms": Made(rendered),
    }
