"""From 15 degrees down: all rotations at low frequency, then the children of the best at ever higher ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from cryosense.alignment import grids
from cryosense.alignment.coefficients import Matched
from cryosense.alignment.likelihood import Terms, as_real, grid_terms, moved, power_of, restricted, table_terms
from cryosense.alignment.reference import Reference
from cryosense.alignment.schedule import Level
from cryosense.shown import ShowsInModule

# Projections of a whole grid are made once if they take no more than this; finer ones for each particle.
TABLE_BYTES = 2**28
PROJECTIONS_AT_ONCE = 2048


class Candidates(NamedTuple):
    """The c rotations of each of b particles on one grid: cells (b, c) and, for each, t shifts (b, c, t, 2) in pixels.

    ``log_likelihood`` is (b, c, t); ``kept_share`` (b,) is the share of the posterior that the coarser levels have kept.
    """

    view: Tensor
    turn: Tensor
    shifts: Tensor
    log_likelihood: Tensor
    kept_share: Tensor


class PoseSearch(ShowsInModule, nn.Module):
    """A search through ``levels`` for one reference.

    At the first level every rotation (of one sector, if there is symmetry) meets every shift within ``shift_radius_pixels``.
    At each level the ``kept`` rotations with the largest likelihood, each with its best shift, are divided into eight and
    nine. How many are kept is fixed, so that memory and time are too.
    """

    projections: Tensor
    power: Tensor
    finer: Tensor
    finer_power: Tensor
    shifts: Tensor
    view: Tensor
    turn: Tensor

    def __init__(
        self, reference: Reference, levels: Sequence[Level], symmetry: str, shift_radius_pixels: float, free_amplitude: bool
    ) -> None:
        super().__init__()
        self.reference, self.levels, self.free_amplitude = reference, list(levels), free_amplitude
        disc, first = reference.disc, levels[0]
        device = reference.table.device
        view, turn = (cells.to(device) for cells in grids.all_rotations(first.order, symmetry))
        made = self._made(first, view, turn)
        tables = {
            "view": view,
            "turn": turn,
            "projections": as_real(made),
            "power": power_of(made),
            "shifts": grids.shift_grid(shift_radius_pixels, first.shift_step).float().to(device),
            "finer": torch.zeros(0, 0, device=device),
            "finer_power": torch.zeros(0, 0, device=device),
        }
        if len(levels) > 1 and 12 * grids.rotation_count(levels[1].order) * disc.count(levels[1].limit) <= TABLE_BYTES:
            cells = torch.arange(grids.rotation_count(levels[1].order), device=device)
            turns = grids.turn_count(levels[1].order)
            finer = self._made(levels[1], cells // turns, cells % turns)
            tables |= {"finer": as_real(finer), "finer_power": power_of(finer)}
        for name, table in tables.items():
            self.register_buffer(name, table, persistent=False)

    @torch.no_grad()
    def forward(self, particles: Matched) -> Candidates:
        """Return the candidates of the last level for particles (b, k)."""
        found = self._everywhere(particles)
        for number in range(1, len(self.levels)):
            found = self._divided(particles, found, number)
        return found

    def _everywhere(self, particles: Matched) -> Candidates:
        level = self.levels[0]
        count = self.reference.disc.count(level.limit)
        part = restricted(particles, count)
        data = moved(part.numerator, self.reference.disc.phases(self.shifts, count))
        value = self._value(grid_terms(data, part.weight, self.projections, self.power))  # (b, t, r)
        cells = torch.arange(len(self.view), device=value.device).expand(len(value), -1)
        shifts = self.shifts.expand(*cells.shape, -1, -1)
        whole = torch.ones(len(value), dtype=value.dtype, device=value.device)
        return Candidates(self.view[cells], self.turn[cells], shifts, value.transpose(1, 2), whole)

    def _divided(self, particles: Matched, found: Candidates, number: int) -> Candidates:
        """Return the children of the best candidates, on the level ``number``."""
        level, disc = self.levels[number], self.reference.disc
        kept, centres, share = _best(found, self.levels[number - 1].kept)
        count = disc.count(level.limit)
        view, turn = grids.children(*(torch.gather(cells, 1, kept) for cells in (found.view, found.turn)))  # (b, c, 8)
        part = restricted(particles, count)
        around = grids.shift_children(level.shift_step).to(centres)
        data = moved(part.numerator[:, None] * disc.phases(centres, count).conj(), disc.phases(around, count))  # (b, c, 9, k)
        weight = part.weight[:, None].expand(-1, kept.shape[1], -1)
        value = self._value(table_terms(data, weight, *self._projected(level, number, view, turn)))  # (b, c, 9, 8)
        shifts = (centres[:, :, None] + around)[:, :, None].expand(-1, -1, grids.CHILDREN, -1, -1)
        return Candidates(
            view.flatten(1),
            turn.flatten(1),
            shifts.flatten(1, 2),
            value.transpose(2, 3).flatten(1, 2),
            found.kept_share * share,
        )

    def _projected(self, level: Level, number: int, view: Tensor, turn: Tensor) -> tuple[Tensor, Tensor]:
        """Return the projections of cells (...), (..., 2 k) real, and their power (..., k)."""
        if number == 1 and len(self.finer):
            rows = (view * grids.turn_count(level.order) + turn).flatten()
            found = (table.index_select(0, rows) for table in (self.finer, self.finer_power))
            projections, power = (values.unflatten(0, view.shape) for values in found)
            return projections, power
        made = self.reference(grids.rotations(level.order, view, turn).float(), self.reference.disc.count(level.limit))
        return as_real(made), power_of(made)

    def _made(self, level: Level, view: Tensor, turn: Tensor) -> Tensor:
        """Return the projections of these cells, (r, k) complex."""
        count = self.reference.disc.count(level.limit)
        parts = zip(view.split(PROJECTIONS_AT_ONCE), turn.split(PROJECTIONS_AT_ONCE), strict=True)
        return torch.cat([self.reference(grids.rotations(level.order, *part).float(), count) for part in parts])

    def _value(self, made: Terms) -> Tensor:
        return made.log_likelihood(self.free_amplitude)


def _best(found: Candidates, count: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return indices of the best candidates (b, c), the best shift of each (b, c, 2), and their posterior share (b,)."""
    best, at = found.log_likelihood.max(-1)
    value, kept = best.topk(min(count, best.shape[1]), dim=1)
    shifts = torch.gather(found.shifts, 2, at[..., None, None].expand(-1, -1, 1, 2))[:, :, 0]
    centres = torch.gather(shifts, 1, kept[..., None].expand(-1, -1, 2))
    return kept, centres, (value.logsumexp(1) - best.logsumexp(1)).exp()
