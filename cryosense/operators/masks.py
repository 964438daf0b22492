"""Mask families. Each is a function of its seed: the same seed gives the same mask on every machine.

Pixel-domain families return (count, n, n) float32: the masks that are summed over blocks. Fourier-domain families return
(n, n) float32 on the centred plane, 1 where a coefficient is measured. Families and constants follow section 1 of the
paper's measurement model (arXiv 2511.12931); ``variable_density`` is not in it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from cryosense.errors import MaskError
from cryosense.fourier import frequency_radius, friedel_partner, shell_index
from cryosense.seeding import generator

Seed = int | tuple[int, int]  # of a mask set, or of the mask set of one particle: (seed, particle index)


def _uniforms(seed: Seed, *shape: int) -> Tensor:
    return torch.from_numpy(keyed(seed).random(shape))


def keyed(seed: Seed) -> np.random.Generator:
    """Return the random generator of a mask set."""
    return generator(*seed) if isinstance(seed, tuple) else generator(seed)


def _check_probability(name: str, value: float) -> None:
    if not 0 < value <= 1:
        raise MaskError(f"{name}={value}: a probability in (0, 1] is needed")


def random_binary(box_size: int, count: int, *, keep_probability: float = 0.5, seed: Seed = 0) -> Tensor:
    """Return masks (count, n, n) whose pixels are 1 with probability ``keep_probability``, else 0.

    Raises:
        MaskError: a probability outside (0, 1].
    """
    _check_probability("keep_probability", keep_probability)
    return (_uniforms(seed, count, box_size, box_size) < keep_probability).float()


def random_gaussian(box_size: int, count: int, *, seed: Seed = 0) -> Tensor:
    """Return masks (count, n, n) of standard normal entries, scaled so that each pixel's squares sum to 1 over the masks."""
    masks = torch.from_numpy(keyed(seed).standard_normal((count, box_size, box_size), dtype=np.float32))
    return masks / torch.linalg.vector_norm(masks, dim=0, keepdim=True)


def checkerboard(box_size: int, count: int, *, cell_pixels: int = 4, keep_probability: float = 0.5, seed: Seed = 0) -> Tensor:
    """Return masks (count, n, n) of square cells of ``cell_pixels``, each 1 with probability ``keep_probability``, else 0.

    Raises:
        MaskError: a probability outside (0, 1].
    """
    _check_probability("keep_probability", keep_probability)
    cells = -(-box_size // cell_pixels)
    coarse = (_uniforms(seed, count, cells, cells) < keep_probability).float()
    fine = coarse.repeat_interleave(cell_pixels, 1).repeat_interleave(cell_pixels, 2)
    return fine[:, :box_size, :box_size].contiguous()


def superres(box_size: int, count: int, *, seed: Seed = 0) -> Tensor:
    """Return masks (count, n, n) of ones: plain binning. They are all the same, so more than one measures nothing more."""
    del seed  # nothing is drawn; the argument keeps the families interchangeable
    return torch.ones(count, box_size, box_size)


def uniform(box_size: int, kept_fraction: float, *, symmetric: bool = True, seed: Seed = 0) -> Tensor:
    """Return a mask (n, n) that keeps each coefficient (or each Friedel pair) with probability ``kept_fraction``.

    Raises:
        MaskError: a fraction outside (0, 1], or a mask that keeps nothing.
    """
    _check_probability("kept fraction", kept_fraction)
    keep = _uniforms(seed, box_size, box_size) < kept_fraction
    return _finish(keep.float(), symmetric)


def variable_density(
    box_size: int, kept_fraction: float, *, keep_probability_per_shell: Sequence[float], symmetric: bool = True, seed: Seed = 0
) -> Tensor:
    """Return a mask (n, n) with a keep probability for each shell, scaled to keep ``kept_fraction`` on average.

    The profile gives the shape (shell 0 first; shells beyond its end are not measured). Probabilities are capped at 1, and
    what the cap cuts off goes to the other shells.

    Raises:
        MaskError: a fraction outside (0, 1] or more than the profile reaches, a profile without a positive value or with a
            negative or non-finite one, or a mask that keeps nothing.
    """
    _check_probability("kept fraction", kept_fraction)
    shells = shell_index(box_size)
    profile = torch.zeros(int(shells.max()) + 1, dtype=torch.float64)
    given = torch.tensor(list(keep_probability_per_shell), dtype=torch.float64)[: len(profile)]
    if len(given) == 0 or bool((given < 0).any()) or not bool(torch.isfinite(given).all()) or not bool((given > 0).any()):
        raise MaskError("keep_probability_per_shell needs at least one positive value and no negative or non-finite one")
    profile[: len(given)] = given
    probability = _scale_to_budget(profile[shells], kept_fraction)
    keep = _uniforms(seed, box_size, box_size) < probability
    return _finish(keep.float(), symmetric)


def _scale_to_budget(shape: Tensor, kept_fraction: float) -> Tensor:
    """Scale a relative density (n, n) to probabilities ``min(1, f shape)`` whose mean is ``kept_fraction``; f by bisection."""
    reachable = float((shape > 0).double().mean())
    if kept_fraction > reachable + 1e-9:
        raise MaskError(
            f"the profile reaches {reachable:.3f} of the coefficients, so {kept_fraction:.3f} cannot be kept: "
            f"extend keep_probability_per_shell or set compression to at least {1 / reachable:.2f}"
        )
    low, high = 0.0, 1 / float(shape[shape > 0].min())
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if float((shape * middle).clamp(max=1).mean()) < kept_fraction else (low, middle)
    return (shape * high).clamp(max=1)


def ring(
    box_size: int,
    kept_fraction: float,
    *,
    bands: int = 100,
    width_fraction: float = 0.25,
    symmetric: bool = True,
    seed: Seed = 0,
) -> Tensor:
    """Return a mask (n, n) that keeps a fraction of equal-area radial bands, drawn without replacement by Gumbel top-k.

    A band at radius r is drawn with weight ``exp(-r^2 / (2 w^2))``, where w is ``width_fraction`` times n (1/4 in the paper).

    Raises:
        MaskError: a fraction outside (0, 1], or a mask that keeps nothing.
    """
    _check_probability("kept fraction", kept_fraction)
    radius = frequency_radius(box_size)
    order = radius.flatten().argsort(stable=True)
    band = torch.empty(box_size**2, dtype=torch.int64)
    band[order] = torch.arange(box_size**2) * bands // box_size**2
    # Coefficients of one radius belong to one band, or rings would not be rings (and pairs would be split).
    _, group = torch.unique(torch.round(radius.flatten() ** 2).long(), return_inverse=True)
    first = torch.full((int(group.max()) + 1,), bands, dtype=torch.int64)
    first = first.scatter_reduce(0, group, band, reduce="amin")
    band = first[group].reshape(box_size, box_size)
    centre = torch.zeros(bands, dtype=torch.float64).index_add_(0, band.flatten(), radius.flatten())
    members = torch.bincount(band.flatten(), minlength=bands)
    centre = centre / members.clamp_min(1)
    log_weight = -(centre**2) / (2 * (width_fraction * box_size) ** 2)
    log_weight[members == 0] = -torch.inf
    gumbel = -torch.log(-torch.log(_uniforms(seed, bands)))
    chosen = torch.zeros(bands, dtype=torch.bool)
    chosen[(log_weight + gumbel).topk(max(1, round(kept_fraction * bands))).indices] = True
    return _finish(chosen[band].float(), symmetric)


def radial(box_size: int, kept_fraction: float, *, sectors: int = 100, symmetric: bool = True, seed: Seed = 0) -> Tensor:
    """Return a mask (n, n) that keeps a fraction of ``sectors`` equal angular sectors over the full turn.

    If ``symmetric``, opposite sectors are kept together: ``sectors // 2`` pairs are drawn from.

    Raises:
        MaskError: a fraction outside (0, 1], or a mask that keeps nothing.
    """
    _check_probability("kept fraction", kept_fraction)
    axis = torch.arange(box_size, dtype=torch.float64) - box_size // 2
    turn, drawn = (torch.pi, sectors // 2) if symmetric else (2 * torch.pi, sectors)
    angle = torch.atan2(axis[:, None], axis[None, :]) % turn
    sector = (angle / turn * drawn).long().clamp(max=drawn - 1)
    kept = torch.from_numpy(keyed(seed).permutation(drawn))[: max(1, round(kept_fraction * drawn))]
    chosen = torch.zeros(drawn, dtype=torch.bool)
    chosen[kept] = True
    return _finish(chosen[sector].float(), symmetric)


def _finish(mask: Tensor, symmetric: bool) -> Tensor:
    """Give both members of each Friedel pair the value of the first, and keep DC; unsymmetric masks stay as they are drawn."""
    n = mask.shape[-1]
    if symmetric:
        position = torch.arange(n * n).reshape(n, n)
        mask = torch.where(position <= friedel_partner(position), mask, friedel_partner(mask))
        mask[n // 2, n // 2] = 1
    if not bool(mask.any()):
        raise MaskError("the mask keeps no coefficient: lower the compression or change the seed")
    return mask
