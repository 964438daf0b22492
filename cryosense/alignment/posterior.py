"""What a particle says about its pose: one pose, and how sure it is."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from cryosense.alignment import grids
from cryosense.alignment.search import Candidates


class Posterior(NamedTuple):
    """The posterior over the searched cells of the last grid, all equally likely a priori; each entry (b,) but the pose.

    ``log_evidence`` is the logarithm of the mean likelihood over these cells (less that of no particle), ``entropy`` is in
    nats, ``angular_spread_deg`` the root mean square angle to the pose, ``kept_share`` what coarser grids have kept.
    """

    rotations: Tensor
    origins_pixels: Tensor
    log_likelihood: Tensor
    log_evidence: Tensor
    maximum: Tensor
    entropy: Tensor
    angular_spread_deg: Tensor
    kept_share: Tensor

    @property
    def effective_poses(self) -> Tensor:
        """Number of equally likely poses with the same entropy, exp(entropy), (b,)."""
        return self.entropy.exp()


def posterior(found: Candidates, order: int, operations: Tensor, *, marginal: bool) -> Posterior:
    """Return the posterior of candidates (b, c, t); poses related by the symmetry's ``operations`` (g, 3, 3) are the same.

    The pose is the rotation and shift of the largest likelihood; if ``marginal``, the mean of the rotations around the one
    with the largest sum of likelihoods over shifts, and the mean shift there.
    """
    rotations = grids.rotations(order, found.view, found.turn)  # (b, c, 3, 3)
    flat = found.log_likelihood.double().flatten(1)
    total = flat.logsumexp(1)
    log_p = (flat - total[:, None]).unflatten(1, found.log_likelihood.shape[1:])
    p = log_p.exp()
    best = flat.argmax(1)
    cell = best // found.shifts.shape[2]
    row = torch.arange(len(cell), device=cell.device)
    chosen = rotations[row, cell]
    origins = found.shifts[row, cell, best % found.shifts.shape[2]].double()
    if marginal:
        cell = p.sum(2).argmax(1)
        near = p * (_angles_deg(rotations, rotations[row, cell], operations) < 2 * grids.spacing_deg(order))[..., None]
        near = near / near.sum((1, 2), keepdim=True)
        chosen = _mean_rotation(rotations, near.sum(2), rotations[row, cell], operations)
        origins = (near[..., None] * found.shifts).sum((1, 2))
    angles = _angles_deg(rotations, chosen, operations)
    return Posterior(
        rotations=chosen,
        origins_pixels=origins,
        log_likelihood=flat.max(1).values,
        log_evidence=total - math.log(flat.shape[1]),
        maximum=p.flatten(1).max(1).values,
        entropy=-(p * log_p).sum((1, 2)),
        angular_spread_deg=(p.sum(2) * angles**2).sum(1).sqrt(),
        kept_share=found.kept_share.double(),
    )


def starts(found: Candidates, order: int, count: int) -> tuple[Tensor, Tensor]:
    """Return the rotations with the largest likelihoods, (b, count, 3, 3), each with its best shift, (b, count, 2)."""
    best, at = found.log_likelihood.max(-1)
    chosen = best.topk(min(count, best.shape[1]), dim=1).indices
    view, turn, at = (torch.gather(values, 1, chosen) for values in (found.view, found.turn, at))
    shifts = torch.gather(found.shifts, 1, chosen[..., None, None].expand(-1, -1, *found.shifts.shape[2:]))
    origins = torch.gather(shifts, 2, at[..., None, None].expand(-1, -1, 1, 2))[:, :, 0]
    return grids.rotations(order, view, turn), origins.double()


def angles_between_deg(first: Tensor, second: Tensor, operations: Tensor) -> Tensor:
    """Return the smallest angle in degrees, (...), between poses equivalent to rotations (..., 3, 3), which broadcast."""
    traces = torch.einsum("...ij,gik,...kj->...g", first, operations.to(first), second)
    return torch.rad2deg(torch.acos(((traces.amax(-1) - 1) / 2).clamp(-1, 1)))


def _angles_deg(rotations: Tensor, to: Tensor, operations: Tensor) -> Tensor:
    """Return the angles (b, c) from rotations (b, c, 3, 3) to one each (b, 3, 3)."""
    return angles_between_deg(rotations, to[:, None], operations)


def _mean_rotation(rotations: Tensor, weight: Tensor, around: Tensor, operations: Tensor) -> Tensor:
    """Return the weighted chordal mean, (b, 3, 3), of those equivalents of rotations (b, c, 3, 3) nearest to ``around``."""
    equivalents = operations.to(rotations)[:, None, None] @ rotations  # (g, b, c, 3, 3)
    nearest = torch.einsum("gbcij,bij->gbc", equivalents, around).argmax(0)
    chosen = torch.gather(equivalents, 0, nearest[None, ..., None, None].expand(1, -1, -1, 3, 3))[0]
    u, _, vh = torch.linalg.svd((weight[..., None, None] * chosen).sum(1))
    u = torch.cat([u[..., :2], u[..., 2:] * torch.linalg.det(u @ vh)[:, None, None]], dim=-1)
    return u @ vh
