"""Back-projection: central slices added into a transform, weighted by CTF^2, and divided by the sum of the weights.

For particles with poses R, CTFs c and images F in Fourier space, ``numerator = sum c F`` and ``weight = sum c^2`` over all
coefficients that fall near a point of the map's transform, with trilinear weights; the map is their quotient, the
least-squares solution where the coefficients around a point see the same value. The sums of two sets of particles add up to
the sums of all: sets can be divided among processes.

Insertion is our own and not torch-fourier-slice's, which takes no weights per coefficient, holds no sums between calls and
interpolates the unpadded transform.
"""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import torch
from torch import Tensor, nn

from cryosense import fourier
from cryosense.errors import ArgumentError
from cryosense.volumes.gaps import fill_gaps
from cryosense.volumes.poses import origin_phases


class Slices(NamedTuple):
    """What b particles add: ``ctf * spectrum`` (b, n, n // 2 + 1) complex and ``ctf^2`` (b, n, n // 2 + 1), 0 where masked."""

    numerator: Tensor
    weight: Tensor


def slices(
    images: Tensor, origins_angstrom: Tensor, ctf: Tensor | None, shares: Tensor | None, pixel_size_angstrom: float
) -> Slices:
    """(b, n, n) images centred on n // 2, (b, 2) x, y origins, (b, n, n // 2 + 1) CTF or None -> what they add to a map.

    ``shares``, (1 or b, n, n) on the centred plane or None for 1, says how much of each Fourier coefficient was measured:
    p_k = |P e_k|^2 for images that are P x, P the projection on what the masks see (``LinearOperator.measured_shares``). On
    average over poses such an image holds p_k times the coefficient, and white noise of p_k times the variance, so least
    squares takes the image as it is and CTF^2 p_k as its weight. That sets amplitudes right; within a shell it changes little,
    since p_k hardly differs between particles. Where p_k is 0 nothing is inserted.
    """
    n = images.shape[-1]
    spectrum = fourier.centred_half_plane(images) * origin_phases(origins_angstrom, n, pixel_size_angstrom).conj()
    if ctf is None:
        ctf = torch.ones(1, dtype=images.dtype, device=images.device)
    numerator, weight = spectrum * ctf, (ctf**2).expand(spectrum.shape)
    if shares is not None:
        share = fourier.centred_to_half_plane(shares)
        numerator, weight = numerator * (share > 0), weight * share
    return Slices(numerator, weight)


class SliceAccumulator(nn.Module):
    """The two sums of a map of n voxels a side, on a grid ``pad_factor`` times as fine as its transform's own.

    Holds 24 bytes for each of (pad_factor n)^3 / 2 points (0.2 GB at n = 128, pad factor 2), whatever the number of particles.
    Coefficients inside the circle of radius n / 2 are used; Nyquist and the corners are not, as in RELION. ``state_dict`` is
    what a run must keep to go on later.

    Raises:
        ArgumentError: a pad factor below 1.
    """

    numerator: Tensor
    weight: Tensor
    kept: Tensor
    positions: Tensor

    def __init__(self, box_size: int, pad_factor: int) -> None:
        super().__init__()
        if pad_factor < 1:
            raise ArgumentError(f"pad_factor is {pad_factor}: give 1 or more")
        self.box_size, self.pad_factor = box_size, pad_factor
        self.padded_size = pad_factor * box_size
        self.reach = self.padded_size // 2 + 1  # points -reach ... reach along y and z, 0 ... reach along x
        shape = (2 * self.reach + 1, 2 * self.reach + 1, self.reach + 1)
        self.register_buffer("numerator", torch.zeros(shape, dtype=torch.complex128))
        self.register_buffer("weight", torch.zeros(shape, dtype=torch.float64))
        kept, positions = _inside_circle(box_size)
        self.register_buffer("kept", kept, persistent=False)
        self.register_buffer("positions", positions * pad_factor, persistent=False)

    def insert(self, particles: Slices, rotations: Tensor) -> None:
        """b slices and (b, 3, 3) image-to-map rotations: add them to the sums."""
        # The mean is its own Friedel partner, and comes back a second time with the partners.
        once = torch.where((self.positions == 0).all(-1), 0.5, 1.0)
        weight = particles.weight.flatten(1)[:, self.kept] * once
        measured = weight != 0
        values = (particles.numerator.flatten(1)[:, self.kept] * once)[measured].to(torch.complex128)
        points = torch.einsum("bij,qj->bqi", rotations[:, :, :2].to(self.positions.dtype), self.positions)[measured]
        # Of a point and its Friedel partner, the one with x >= 0 is kept.
        flipped = points[:, 0] < 0
        points = torch.where(flipped[:, None], -points, points)
        values = torch.where(flipped, values.conj(), values)
        self._scatter(points, values, weight[measured].double())

    def _scatter(self, points: Tensor, values: Tensor, weights: Tensor) -> None:
        """(t, 3) x, y, z, (t,) complex, (t,): add to the eight points around each, with trilinear weights."""
        floor = torch.floor(points)
        fraction = (points - floor).double()
        x, y, z = floor.long().unbind(-1)
        side = 2 * self.reach + 1
        corner = ((z + self.reach) * side + y + self.reach) * (self.reach + 1) + x
        numerator, weight = self.numerator.view(-1), self.weight.view(-1)
        along = torch.stack([1 - fraction, fraction], dim=-1)  # (t, 3, 2)
        for dx, dy, dz in product((0, 1), repeat=3):
            share = along[:, 0, dx] * along[:, 1, dy] * along[:, 2, dz]
            index = corner + (dz * side + dy) * (self.reach + 1) + dx
            # The sums of index_add_, bit for bit, a third faster for complex numbers.
            numerator.scatter_add_(0, index, share * values)
            weight.scatter_add_(0, index, share * weights)

    def add(self, other: SliceAccumulator) -> None:
        """Add the sums of other particles. Raises ArgumentError unless box size and pad factor are the same."""
        if (other.box_size, other.pad_factor) != (self.box_size, self.pad_factor):
            raise ArgumentError(
                f"sums for {other.box_size} px at pad factor {other.pad_factor} cannot be added to sums for "
                f"{self.box_size} px at {self.pad_factor}"
            )
        self.numerator += other.numerator
        self.weight += other.weight

    def volume(self, regularisation: float) -> Tensor:
        """-> (n, n, n) float32, z, y, x: the map on the scale of which the images are projections.

        The quotient is ``numerator / (weight + regularisation * mean weight of the shell)``, so that points few particles came
        near do not carry their noise into the map. The trilinear weights' transform, ``sinc^2`` along each axis, is divided
        out, and the gaps beside the origin of the finer grid filled (:func:`fill_gaps`). At pad factor 2 amplitudes
        are right to 3 % in the mean and in shells 2 and beyond, to 8 % in shell 1.
        """
        return self._map(self._inside(self.numerator), self._divisor(regularisation))

    def deviation(self, part: SliceAccumulator, regularisation: float) -> Tensor:
        """-> (n, n, n) float32: what the map gains, to first order, from the particles of ``part``, some of these.

        With sums N, W of all and N_g, W_g of the part, the derivative of the quotient to the part's weight among the others:
        ``(N_g - N / W W_g) / W`` (with the regularisation in W). Over parts that make up the whole it adds up to zero.
        """
        divisor = self._divisor(regularisation)
        quotient = self._inside(self.numerator) * torch.where(divisor > 0, 1 / divisor, 0)
        return self._map(part._inside(part.numerator) - quotient * part._divisor(regularisation), divisor)

    def _inside(self, half_space: Tensor) -> Tensor:
        """-> (m, m, m // 2 + 1): sums on the points of :func:`fourier.half_space`, each with what fell to its partner."""
        m = self.padded_size
        return _with_partners(half_space)[1 : m + 1, 1 : m + 1, : m // 2 + 1]

    def _divisor(self, regularisation: float) -> Tensor:
        weight = self._inside(self.weight)
        shell = fourier.half_space_shells(self.padded_size, device=weight.device)
        counts, sums = torch.bincount(shell.flatten()), torch.bincount(shell.flatten(), weight.flatten())
        return weight + regularisation * (sums / counts.clamp_min(1))[shell]

    def _map(self, spectrum: Tensor, divisor: Tensor) -> Tensor:
        """(m, m, m // 2 + 1) twice -> (n, n, n) float32: the quotient's map, cut out and corrected for the interpolation.

        The quotient is made in place of ``spectrum``.
        """
        n, m = self.box_size, self.padded_size
        shell = fourier.half_space_shells(m, device=divisor.device)
        quotient = spectrum.mul_(torch.where((divisor > 0) & (shell <= m // 2), 1 / divisor, 0))
        del shell
        before = m // 2 - n // 2
        cropped = fourier.from_half_space(quotient, m)[(slice(before, before + n),) * 3]
        cropped = fill_gaps(cropped, quotient, self.pad_factor)
        position = (torch.arange(n, device=divisor.device, dtype=torch.float64) - n // 2) / m
        kernel = torch.sinc(position) ** 2
        # Unitary in 2D to unitary in 3D, as in Projector.
        return (cropped / (kernel[:, None, None] * kernel[:, None] * kernel) * (n / m**1.5)).float()


def _inside_circle(box_size: int) -> tuple[Tensor, Tensor]:
    """-> (q,) flat numbers of half-plane coefficients, one of each Friedel pair, and (q, 2) their x, y in Fourier pixels."""
    rows = (torch.arange(box_size) + box_size // 2) % box_size - box_size // 2
    columns = torch.arange(box_size // 2 + 1)
    y, x = torch.meshgrid(rows, columns, indexing="ij")
    # The column x = 0 holds both of each pair.
    kept = (4 * (x**2 + y**2) < box_size**2) & ((x > 0) | (y >= 0))
    return kept.flatten().nonzero()[:, 0], torch.stack([x[kept], y[kept]], dim=-1).float()


def _with_partners(half_space: Tensor) -> Tensor:
    """(k, k, h): complete the plane x = 0, where each point was added but its Friedel partner was not."""
    completed = half_space.clone()
    completed[..., 0] += half_space[..., 0].flip((0, 1)).conj()
    return completed
