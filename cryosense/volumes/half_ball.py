"""Sums at the points of a half space that lie within a ball, row by row, with nothing stored for the points outside."""

from __future__ import annotations

import importlib.util
import math
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise, product

import torch
from torch import Tensor, nn

from cryosense.shown import ShowsInModule

CORNERS = 3**0.5 + 0.1  # how far a point's eight neighbours may be from it, and a tenth for rounding
PARTNER = (1.0, -1.0, 1.0)  # signs from the sums at a point to those at its Friedel partner


class HalfBallSums(ShowsInModule, nn.Module):
    """Real part, imaginary part and weight, (v, 3), at v whole points with x >= 0 in and around a ball of ``radius`` points.

    Points run from -reach to reach along z and y, and from 0 to reach along x; a row (z, y) holds ``lengths`` of them from
    ``starts`` on.
    """

    sums: Tensor
    starts: Tensor
    lengths: Tensor

    def __init__(self, radius: float, dtype: torch.dtype) -> None:
        super().__init__()
        self.reach = math.floor(radius) + 1
        axis = torch.arange(-self.reach, self.reach + 1)
        left = (radius + CORNERS) ** 2 - (axis[:, None] ** 2 + axis**2).double()
        lengths = torch.where(left >= 0, left.clamp_min(0).sqrt().long() + 1, 0).clamp_max(self.reach + 1)
        self.register_buffer("sums", torch.zeros(int(lengths.sum()), 3, dtype=dtype))
        self.register_buffer("lengths", lengths, persistent=False)
        self.register_buffer("starts", (lengths.flatten().cumsum(0) - lengths.flatten()).view_as(lengths), persistent=False)

    def insert(self, numerator: Tensor, weight: Tensor, rotations: Tensor, first: Tensor, last: Tensor) -> None:
        """Add b slices.

        On the CPU each point's sum takes the slices in their order, whatever the number of threads. On other devices the order
        is the device's.

        Args:
            numerator: (b, n, h) complex.
            weight: (b, n, h) real.
            rotations: (b, 3, 3) from columns and rows of the slice to points.
            first: (n,) first column of each row that is used.
            last: (n,) end of these columns.
        """
        kind = self.sums.device.type
        if kind == "cpu":
            self._insert_compiled(numerator, weight, rotations, first, last)
        elif kind == "cuda" and importlib.util.find_spec("triton"):  # comes with torch on Linux
            from cryosense.volumes.scattered import add_slices

            add_slices(self.sums, self.starts, (numerator, weight), rotations, (first, last))
        else:
            self.scatter(numerator, weight, rotations, first, last)

    def _insert_compiled(self, numerator: Tensor, weight: Tensor, rotations: Tensor, first: Tensor, last: Tensor) -> None:
        from cryosense.volumes.compiled import add_slices, split_rows

        slices = (numerator.to(torch.complex64).contiguous().numpy(), weight.float().contiguous().numpy())
        turns, ends = rotations.float().contiguous().numpy(), (first.numpy(), last.numpy())
        splits = torch.empty(len(rotations), len(first), dtype=torch.int64).numpy()
        split_rows(slices[0], turns, *ends, splits)
        sums, starts = self.sums.view(-1).numpy(), self.starts.numpy()

        def add(planes: tuple[int, int]) -> None:
            add_slices(sums, starts, slices, turns, ends, splits, planes)

        parts = plane_parts(self.reach, torch.get_num_threads())
        if len(parts) == 1:
            add(parts[0])
            return
        with ThreadPoolExecutor(len(parts)) as pool:
            list(pool.map(add, parts))

    def scatter(self, numerator: Tensor, weight: Tensor, rotations: Tensor, first: Tensor, last: Tensor) -> None:
        """Do what ``insert`` does with torch's operations, on any device."""
        n, width = weight.shape[1:]
        column, row = torch.arange(width, device=weight.device), torch.arange(n, device=weight.device)
        used = (column >= first[:, None]) & (column < last[:, None]) & (weight != 0)
        slice_number, at_row, at_column = used.nonzero().unbind(-1)
        values, weights = numerator[used], weight[used]
        # The mean is its own Friedel partner, and is added a second time with the partners.
        once = torch.where((at_row == 0) & (at_column == 0), 0.5, 1.0)
        y = torch.where(row < (n + 1) // 2, row, row - n)[at_row]
        turns = rotations.to(weights.dtype)[slice_number]
        points = turns[:, :, 0] * at_column[:, None] + turns[:, :, 1] * y[:, None]
        # Of a point and its Friedel partner, the one with x >= 0 is kept.
        flipped = points[:, 0] < 0
        points = torch.where(flipped[:, None], -points, points)
        values = torch.where(flipped, values.conj(), values) * once
        terms = torch.stack([values.real, values.imag, weights * once], dim=-1).to(self.sums.dtype)
        floor = torch.floor(points)
        along = torch.stack([1 - (points - floor), points - floor], dim=-1).to(self.sums.dtype)
        x, y, z = floor.long().unbind(-1)
        for dx, dy, dz in product((0, 1), repeat=3):
            share = along[:, 0, dx] * along[:, 1, dy] * along[:, 2, dz]
            index = self.starts[z + self.reach + dz, y + self.reach + dy] + x + dx
            self.sums.index_add_(0, index, share[:, None] * terms)

    def block(self, planes: range, columns: range, edge: Tensor) -> Tensor:
        """Return the sums at these z, from -reach to reach, and x, from 0 to reach, (p, 2 reach + 1, c, 3) float64.

        They are zero outside the ball. Each includes what fell to its Friedel partner; ``edge`` is what the method ``edge``
        returns.
        """
        rows = slice(planes.start + self.reach, planes.stop + self.reach)
        x = torch.arange(columns.start, columns.stop, device=self.lengths.device)
        inside = x < self.lengths[rows, :, None]
        dense = torch.zeros(*inside.shape, 3, dtype=torch.float64, device=x.device)
        dense[inside] = self.sums[(self.starts[rows, :, None] + x)[inside]].double()
        if columns.start == 0:
            dense[:, :, 0] += edge[rows]
        return dense

    def edge(self) -> Tensor:
        """Return what the partners of the points with x = 0 add to these, (2 reach + 1, 2 reach + 1, 3) float64."""
        edge = torch.zeros(*self.lengths.shape, 3, dtype=torch.float64, device=self.sums.device)
        held = self.lengths > 0
        edge[held] = self.sums[self.starts[held]].double()
        return edge.flip((0, 1)) * torch.tensor(PARTNER, dtype=torch.float64, device=edge.device)


def plane_parts(reach: int, parts: int) -> list[tuple[int, int]]:
    """Return ranges of the planes 0 to 2 reach in which slices of evenly spread views have equally many points.

    A slice through the origin in a random direction has, at distance z of reach, a number of points proportional to reach - z.
    """
    shares = [(2 * part / parts - 1) for part in range(1, parts)]
    inner = [math.copysign(reach * (1 - math.sqrt(1 - abs(share))), share) for share in shares]
    ends = [0, *(round(reach + z) for z in inner), 2 * reach + 1]
    return [(a, b) for a, b in pairwise(ends) if a < b]
