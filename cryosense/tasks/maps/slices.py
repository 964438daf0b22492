"""What particles add to a map: their slices, with all that optics and programs did to their images taken back."""

from __future__ import annotations

import torch
from torch import Tensor

from cryosense import fourier
from cryosense.measurement.optics import ParticleOptics
from cryosense.volumes.backproject import Slices, slices
from cryosense.volumes.magnification import recorded, undistorted
from cryosense.volumes.poses import origin_phases
from cryosense.volumes.transfer import Treatment, transferred


def slices_through(
    optics: ParticleOptics, images: Tensor, rows: Tensor, origins_angstrom: Tensor, shares: Tensor | None, pixel: float
) -> Slices:
    """Return what images (b, n, n) at ``rows`` with origins (b, 2) add to a map; shares as in ``slices``."""
    if optics.magnifies:
        images, origins_angstrom = _undistorted(optics, images, rows, origins_angstrom, pixel)
    terms = slices(images, origins_angstrom, None, shares, pixel)
    box_size = images.shape[-1]
    ctf = optics.ctf(rows, box_size, pixel, images.device)
    numerator, weight = terms.numerator.clone(), terms.weight.clone()
    for place, aberrations in optics.groups(rows):
        part = Slices(terms.numerator[place], terms.weight[place])
        if ctf is not None:
            chosen = rows[place]
            flags = optics.treatment.phase_flipped[chosen], optics.treatment.premultiplied[chosen]
            treatment = Treatment(*(flag.to(images.device) for flag in flags))
            turn = aberrations.turn(box_size, pixel).to(images.device) if aberrations.turns else None
            part = transferred(part, ctf[place], treatment, turn)
        known = recorded(box_size, aberrations.magnification) if aberrations.magnifies else torch.ones(())
        known = known.to(images.device)
        numerator[place], weight[place] = part.numerator * known, part.weight * known
    return Slices(numerator, weight)


def _undistorted(
    optics: ParticleOptics, images: Tensor, rows: Tensor, origins_angstrom: Tensor, pixel: float
) -> tuple[Tensor, Tensor]:
    """Return undistorted images centred on their particles, and origins of 0."""
    n, group = images.shape[-1], optics.group[rows].tolist()
    made = torch.empty_like(images)
    for i in range(len(images)):  # one by one: none depends on those that come with it
        phases = origin_phases(origins_angstrom[i : i + 1], n, pixel).conj()
        centred = fourier.from_half_plane(fourier.half_plane(images[i : i + 1]) * phases, n)
        made[i] = undistorted(centred, optics.aberrations[group[i]].magnification)[0]
    return made, torch.zeros_like(origins_angstrom)
