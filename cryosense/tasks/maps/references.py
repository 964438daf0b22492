"""What a reconstruction is compared with: a map, an atomic model, or the half maps of an uncompressed run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from cryosense.data import ParticleDataError
from cryosense.data.maps import read_map as open_map
from cryosense.files.limits import read_json
from cryosense.metrics import equivalent_particles, fsc, sphere_mask

PIXEL_SIZE_TOLERANCE = 1e-3
EDGE_SHARE = 8  # the soft edge of the sphere is as wide as the box over this


def read_map(path: str | Path, key: str, box_size: int, pixel_size_angstrom: float) -> Tensor:
    """Return a map (n, n, n) float64. Raises ParticleDataError, naming ``key``, for another box or pixel size."""
    try:
        known = open_map(path)
    except (OSError, ValueError) as error:
        raise ParticleDataError(f"{key}: {path} cannot be read: {str(error).removeprefix(f'{path}: ')}") from error
    volume, pixel_size = known.values, known.voxel_angstrom[0]
    if volume.shape != (box_size,) * 3 or abs(pixel_size - pixel_size_angstrom) > PIXEL_SIZE_TOLERANCE * pixel_size:
        raise ParticleDataError(
            f"{key}: {path} has {tuple(volume.shape)} voxels of {pixel_size:g} Angstrom, the particles make "
            f"a map of {box_size} px at {pixel_size_angstrom:g}: resample it"
        )
    return volume


@dataclass(frozen=True)
class AtomicModel:
    """An atomic model (PDB or mmCIF) in the frame of the map: nothing is fitted.

    Coordinates count from the corner of the box, as in the maps written here, unless ``centre_angstrom`` names the point
    (x, y, z) of the model that lies on the map's centre, voxel n // 2.
    """

    path: str
    centre_angstrom: list[float] | None

    def density(self, box_size: int, pixel_size_angstrom: float) -> Tensor:
        """Return the density, (n, n, n): a Gaussian per atom, weighted by electron scattering, falling to 1 / e at Nyquist.

        The width of the Gaussians changes no FSC, which is normalised in each shell.

        Raises:
            ParticleDataError: a file that cannot be read, or atoms outside the box.
        """
        from cryosense.simulation.files import ModelDensity
        from cryosense.simulation.pseudo_atoms import PseudoAtoms

        corner = [box_size // 2 * pixel_size_angstrom] * 3
        centre = torch.tensor(corner if self.centre_angstrom is None else list(self.centre_angstrom), dtype=torch.float64)
        if centre.shape != (3,):
            raise ParticleDataError(f"model_centre_angstrom={self.centre_angstrom}: give x, y and z")
        if not Path(self.path).is_file():
            raise ParticleDataError(f"model: there is no file {self.path}")
        resolution = 2 * pixel_size_angstrom
        try:
            placed = ModelDensity(self.path, resolution).placed_atoms()
        except (OSError, RuntimeError, ValueError) as error:
            raise ParticleDataError(f"model: {self.path} cannot be read: {error}") from error
        try:
            atoms = PseudoAtoms((placed.positions_angstrom - centre).float(), placed.weights)
            return atoms.render(box_size, pixel_size_angstrom, resolution)
        except ValueError as error:
            raise ParticleDataError(
                f"model: {self.path} does not lie in the box of the map, {box_size * pixel_size_angstrom:g} Å, with its point "
                f"{[round(x, 3) for x in centre.tolist()]} Å at the centre: give that point as model_centre_angstrom"
            ) from error


@dataclass(frozen=True)
class UncompressedRun:
    """The directory of a ``cryosense backproject`` run on the same particles in the same half sets, without compression."""

    directory: str

    def halves(self, box_size: int, pixel_size_angstrom: float, half_sets: str) -> tuple[Tensor, Tensor]:
        """Return its half maps. Raises ParticleDataError unless box, pixel size and half sets are the same.

        ``half_sets`` is the digest of the assignment, particle by particle in the order of the stack, that runs keep in their
        ``done.json``. It cannot distinguish two stacks with as many particles that are both divided into odd and even.
        """
        summary = self._summary()
        if summary.get("half_sets_digest") != half_sets:
            raise ParticleDataError(
                f"cross_reference: {self.directory} was made from other half sets, so that its halves are not independent of "
                "these: back-project the uncompressed images of the same particles with the same rlnRandomSubset"
            )
        one, two = (
            read_map(Path(self.directory) / f"half{number}.mrc", "cross_reference", box_size, pixel_size_angstrom)
            for number in (1, 2)
        )
        return one, two

    def compare(
        self, halves: tuple[Tensor, Tensor], pixel_size_angstrom: float, half_sets: str
    ) -> tuple[dict[str, Tensor], dict[str, float | None]]:
        """Compare half maps (n, n, n) with the uncompressed ones of this run, see ``crossed``."""
        own = self.halves(halves[0].shape[-1], pixel_size_angstrom, half_sets)
        return crossed(halves, own, int(self._summary()["particles"]))

    def _summary(self) -> dict[str, Any]:
        path = Path(self.directory) / "done.json"
        if not path.is_file():
            raise ParticleDataError(f"cross_reference: {self.directory} holds no finished back-projection (no done.json)")
        return read_json(path)


def crossed(
    halves: tuple[Tensor, Tensor], uncompressed: tuple[Tensor, Tensor], particles: int
) -> tuple[dict[str, Tensor], dict[str, float | None]]:
    """Return curves (n // 2 + 1,) of half maps (n, n, n) and uncompressed ones, and how many particles the first are worth.

    ``cross_half1`` is half map 1 against the uncompressed half map 2, ``cross_half2`` the reverse, ``uncompressed`` the
    uncompressed half maps against each other. If the halves have nothing in common but the particles, ``cross^2 /
    uncompressed`` is the half-map FSC, so equivalent particles are stated twice: by half maps, and by that. Where the
    first is larger, both halves share something that is not in the particles. None: no shell can be compared.

    All maps are compared under a soft sphere that touches the box. At the hard edges of the box the noise of outer shells
    leaks into inner ones, which is a lot where weights fall steeply (pixel masks, variable density) and says nothing about
    what was measured.
    """
    n = halves[0].shape[-1]
    edge = n // EDGE_SHARE
    sphere = sphere_mask(halves[0], 1.0, radius_angstrom=n / 2 - edge, edge_pixels=edge)
    known = [half * sphere for half in uncompressed]
    halves = (halves[0] * sphere, halves[1] * sphere)
    own = fsc(*known)
    across = [fsc(halves[i], known[1 - i]) for i in (0, 1)]
    honest = (torch.stack(across).mean(0).clamp_min(0) ** 2 / own.clamp_min(1e-3)).clamp(max=1)
    curves = {"cross_half1": across[0], "cross_half2": across[1], "uncompressed": own}
    return curves, {"half_maps": _worth(fsc(*halves), own, particles), "cross": _worth(honest, own, particles)}


def _worth(curve: Tensor, uncompressed: Tensor, particles: int) -> float | None:
    try:
        return equivalent_particles(curve, uncompressed, particles)
    except ValueError:
        return None
