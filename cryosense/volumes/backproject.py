"""Back-projection: central slices added into a transform, weighted by CTF^2, and divided by the sum of the weights.

For particles with poses R, CTFs c and images F in Fourier space, ``numerator = sum c F`` and ``weight = sum c^2`` over all
coefficients that fall near a point of the map's transform, with trilinear weights. The map is their quotient, the
least-squares solution where the coefficients around a point see the same value. The sums of two sets of particles add up to
the sums of all, so sets can be divided among processes.

Insertion is written here instead of taken from torch-fourier-slice, which takes no weights per coefficient, holds no sums
between calls and interpolates the unpadded transform.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn

from cryosense import fourier
from cryosense.errors import ArgumentError
from cryosense.shown import ShowsInModule
from cryosense.volumes.half_ball import HalfBallSums
from cryosense.volumes.poses import centring_phases
from cryosense.volumes.quotient import Quotient

DOUBLE_PRECISION_SHARE = 8  # of the radius, within which coefficients are summed in double precision
ORTHONORMAL = 1e-4


class Slices(NamedTuple):
    """What b particles add, (b, n, n // 2 + 1) each: ``ctf * spectrum``, complex, and ``ctf^2``, 0 where masked."""

    numerator: Tensor
    weight: Tensor


def slices(
    images: Tensor, origins_angstrom: Tensor, ctf: Tensor | None, shares: Tensor | None, pixel_size_angstrom: float
) -> Slices:
    """Return what b images add to a map.

    Args:
        images: (b, n, n), centred on n // 2.
        origins_angstrom: (b, 2) x, y.
        ctf: (b, n, n // 2 + 1), or None.
        shares: (1 or b, n, n) on the centred plane, how much of each Fourier coefficient was measured, or None for 1.
        pixel_size_angstrom: pixel size of the images.

    For images P x, P the projection on what the masks see, the shares are ``p_k = |P e_k|^2``
    (``LinearOperator.measured_shares``). On average over poses such an image holds p_k times the coefficient, and white noise
    of p_k times the variance, so least squares takes the image as it is and CTF^2 p_k as its weight. That sets amplitudes
    right; within a shell it changes little, since p_k hardly differs between particles. Where p_k is 0 nothing is inserted.
    """
    n = images.shape[-1]
    # A single transform is planned, and rounded, differently from several: one image is passed as two.
    numerator = fourier.half_plane(images if len(images) > 1 else images.repeat(2, 1, 1))[: len(images)]
    for factors in centring_phases(origins_angstrom, n, pixel_size_angstrom):
        numerator *= factors
    if ctf is None:
        ctf = torch.ones(1, dtype=images.dtype, device=images.device)
    numerator *= ctf
    weight = (ctf**2).expand(numerator.shape)
    if shares is not None:
        share = fourier.centred_to_half_plane(shares)
        numerator, weight = numerator * (share > 0), weight * share
    return Slices(numerator, weight)


class SliceAccumulator(ShowsInModule, nn.Module):
    """The two sums of a map of n voxels a side, on a grid ``pad_factor`` times as fine as its transform's own.

    Holds 12 bytes for each of 2.1 (pad_factor n / 2)^3 points (55 MB at n = 128, pad factor 2), whatever the number of
    particles. Coefficients up to an eighth of the radius, where all particles meet, are summed in double precision, the others
    in single. A point at a distance of r points gets about 1 / r terms from each particle, and the order of t terms changes a
    sum in single precision by some 3e-8 sqrt(t) of itself: 1e-6 for 20,000 particles at n = 128. On the CPU the order is that
    of the particles: nothing depends on portions and threads, and shards differ by that much.

    Coefficients inside the circle of radius n / 2 are used; Nyquist and the corners are not, as in RELION. ``state_dict`` is
    what a run must keep in order to resume.

    Raises:
        ArgumentError: a pad factor below 1.
    """

    def __init__(self, box_size: int, pad_factor: int) -> None:
        super().__init__()
        if pad_factor < 1:
            raise ArgumentError(f"pad_factor is {pad_factor}: give 1 or more")
        self.box_size, self.pad_factor = box_size, pad_factor
        self.padded_size = pad_factor * box_size
        inner_radius = box_size / 2 / DOUBLE_PRECISION_SHARE
        self.inner = HalfBallSums(pad_factor * inner_radius, torch.float64)
        self.outer = HalfBallSums(pad_factor * box_size / 2, torch.float32)
        self._columns = _columns(box_size, (0.0, inner_radius, box_size / 2))

    @property
    def parts(self) -> list[HalfBallSums]:
        """The sums of inner and of outer coefficients, which overlap."""
        return [self.inner, self.outer]

    def insert(self, particles: Slices, rotations: Tensor) -> None:
        """Add b slices, with image-to-map rotations (b, 3, 3), to the sums. Rotations on the CPU spare a GPU's wait.

        Raises:
            ArgumentError: matrices that are not rotations.
        """
        misfit = rotations.mT @ rotations - torch.eye(3, dtype=rotations.dtype, device=rotations.device)
        if not bool((misfit.abs() < ORTHONORMAL).all()):
            raise ArgumentError("rotations: give orthonormal matrices (b, 3, 3) of finite numbers")
        device = particles.weight.device
        scaled = (self.pad_factor * rotations).to(device)
        for sums, (first, last) in zip(self.parts, self._columns, strict=True):
            ends = first.to(device), last.to(device)
            sums.insert(particles.numerator, particles.weight, scaled, *ends)

    def add(self, other: SliceAccumulator) -> None:
        """Add the sums of other particles. Raises ArgumentError unless box size and pad factor are the same."""
        if (other.box_size, other.pad_factor) != (self.box_size, self.pad_factor):
            raise ArgumentError(
                f"sums for {other.box_size} px at pad factor {other.pad_factor} cannot be added to sums for "
                f"{self.box_size} px at {self.pad_factor}"
            )
        for mine, others in zip(self.parts, other.parts, strict=True):
            mine.sums += others.sums

    def volume(self, regularisation: float) -> Tensor:
        """Return the map of which the images are projections, on their scale, (n, n, n) float32, z, y, x.

        The quotient is ``numerator / (weight + regularisation * mean weight of the shell)``, so that points near which few
        particles came do not carry their noise into the map. The transform of the trilinear weights, ``sinc^2`` along each
        axis, is divided out, and the gaps beside the origin of the finer grid are filled (``fill_gaps``). At pad factor 2
        amplitudes are right to 3 % in the mean and in shells 2 and beyond, and to 8 % in shell 1. While a map at pad factor 2
        is made it takes up to four times its own memory, itself included.
        """
        return Quotient(self.parts, self.padded_size, regularisation).volume(self.box_size, self.pad_factor)

    def last_shell(self) -> int:
        """Return the last shell of the map near which anything was measured, 0 if nothing was."""
        weights = Quotient(self.parts, self.padded_size, 1.0).floor
        seen = (weights[: self.padded_size // 2 + 1] > 0).nonzero()[:, 0]
        return int(seen[-1]) // self.pad_factor if len(seen) else 0

    def deviation(self, part: SliceAccumulator, regularisation: float) -> Tensor:
        """Return what the map gains, to first order, from the particles of ``part``, some of these: (n, n, n) float32.

        With sums N, W of all and N_g, W_g of the part, it is the derivative of the quotient by the part's weight among the
        others: ``(N_g - N / W W_g) / W`` (with the regularisation in W). Over parts that make up the whole it adds up to zero.
        """
        whole = Quotient(self.parts, self.padded_size, regularisation)
        return whole.deviation(Quotient(part.parts, part.padded_size, regularisation)).volume(self.box_size, self.pad_factor)


def _columns(box_size: int, radii: tuple[float, ...]) -> list[tuple[Tensor, Tensor]]:
    """Return for each ring between the radii, in Fourier pixels, its first and end column in each row of a half plane, (n,).

    One of each Friedel pair is in a ring, since the column x = 0 holds both.
    """
    row = (torch.arange(box_size) + box_size // 2) % box_size - box_size // 2
    column = torch.arange(box_size // 2 + 1)
    squares = 4 * (row[:, None] ** 2 + column**2)
    start = (row < 0).long()
    ends = [torch.maximum((squares < (2 * radius) ** 2).sum(1), start) for radius in radii]
    return list(pairwise(ends))
