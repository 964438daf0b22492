"""What is of no family of proteins: nothing at all, a molecule with a hole, a filament, a bead of gold."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from groel import RESOLUTION_ANGSTROM, Made
from molecules import BUILT_IN, PIXEL_ANGSTROM, Molecule, Particles, molecules
from omegaconf import DictConfig, OmegaConf
from torch import Tensor

from cryosense.simulation.library.density import MoleculeLibrary
from cryosense.simulation.pseudo_atoms import PseudoAtoms

EMPTY, GOLD = "empty frame", "bead of gold"
HOLE_ANGSTROM, BEAD_ANGSTROM = 18.0, 25.0  # radii
FILAMENT_ANGSTROM, THICK_ANGSTROM, RISE_ANGSTROM = 190.0, 22.0, 1.2
GOLD_CONTRAST = 10.0  # of its SNR, over that of the others


def strangers(study: DictConfig) -> list[Molecule]:
    """-> the built-in molecule and one of a fold that was held out, for comparison; then the strangers."""
    known = next(molecules(OmegaConf.merge(study, {"only": [BUILT_IN]})))
    fold = next(each for each in molecules(study) if isinstance(each.density, MoleculeLibrary))
    of_fold = fold.density.atoms_of(0)  # type: ignore[attr-defined]
    made = {
        "molecule with a hole": (drilled(of_fold), fold.pixel_angstrom),
        "filament": (filament(), PIXEL_ANGSTROM),
        GOLD: (bead(), PIXEL_ANGSTROM),
    }
    found = [known, replace(fold, name="of a fold held out"), replace(known, name=EMPTY)]
    for name, (atoms, pixel) in made.items():
        found.append(replace(known, name=name, density=_rendered(atoms), pixel_angstrom=pixel))
    return found


def particles(molecule: Molecule, study: DictConfig, snr: float) -> Particles:
    """-> its particles; of the empty frame noise alone, as strong as if the built-in molecule were there."""
    strong = GOLD_CONTRAST if molecule.name == GOLD else 1.0
    found = molecule.particles(study.particles, snr * strong, coloured=False, box_size=study.box_size)
    if molecule.name != EMPTY:
        return found
    return Particles(found.images - found.clean, torch.zeros_like(found.clean), found.ctf)


def _rendered(atoms: PseudoAtoms) -> Made:
    return Made(lambda n, pixel: atoms.render(n, pixel, RESOLUTION_ANGSTROM))


def drilled(atoms: PseudoAtoms) -> PseudoAtoms:
    """-> a molecule without what is near an axis through its middle."""
    x = atoms.positions_angstrom - atoms.positions_angstrom.mean(0)
    kept = x[:, :2].norm(dim=1) > HOLE_ANGSTROM
    return PseudoAtoms(atoms.positions_angstrom[kept], atoms.weights[kept])


def filament() -> PseudoAtoms:
    """-> two strands about an axis, nearly as long as the box."""
    z = torch.arange(-FILAMENT_ANGSTROM / 2, FILAMENT_ANGSTROM / 2, RISE_ANGSTROM)
    angle = 2 * math.pi * z / 75.0
    strands = [_helix(z, angle + phase) for phase in (0.0, math.pi)]
    x = torch.cat(strands)
    return PseudoAtoms(x, torch.full((len(x),), 25.0))


def _helix(z: Tensor, angle: Tensor) -> Tensor:
    return torch.stack([THICK_ANGSTROM * angle.cos(), THICK_ANGSTROM * angle.sin(), z], dim=1)


def bead() -> PseudoAtoms:
    """-> a ball, as dense throughout."""
    grid = torch.arange(-BEAD_ANGSTROM, BEAD_ANGSTROM + 1, 3.0)
    x = torch.cartesian_prod(grid, grid, grid)
    x = x[x.norm(dim=1) <= BEAD_ANGSTROM]
    return PseudoAtoms(x, torch.full((len(x),), 30.0))
