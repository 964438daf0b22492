"""How the FSC of two half maps would scatter over other particles of the same kind.

Particles resampled with replacement are not what other particles would be: they come several times or not at all, so that a
resampled map has twice the noise and its FSC is that of half the particles. Here the FSC is instead expanded to first order
in the weights of groups of particles, which leaves its value where it is, and resampled groups scatter it about that value.

First order counts what belongs to a pair of groups (noise times noise) once for each of the two, as any jackknife of a
product does (Efron and Stein 1981; plain resampling counts it three times, Owen 2007): beyond the resolution, where there
is nothing else, intervals would be 1.4 times too wide. With signal S and noise N per coefficient of both half maps and
F = S / (S + N), the variance of the FSC is proportional to ``2 F (1 - F) + 1 + F^2``, where the first term is signal times
noise, and first order turns it into ``2 F (1 - F) + 2 (1 + F^2)``. Variances are multiplied by the ratio of the two,
``(1 + 2 F - F^2) / (2 + 2 F)``.
"""

from __future__ import annotations

import torch
from torch import Tensor

from cryosense import fourier, seeding
from cryosense.errors import ArgumentError

LARGEST_FSC = 1 - 1e-9


def fsc_replicates(
    half1: Tensor, half2: Tensor, deviations1: Tensor, deviations2: Tensor, *, replicates: int, seed: int
) -> Tensor:
    """Return resampled FSC curves, (replicates, n // 2 + 1), of two half maps.

    Groups are independent and of equal size. Both halves are resampled separately, all shells together, on Fisher's scale
    artanh(FSC).

    Args:
        half1: (n, n, n) half map.
        half2: (n, n, n) half map.
        deviations1: (g, n, n, n) what half map 1 gains from each of its groups; they add up to zero over the groups
            (``SliceAccumulator.deviation``).
        deviations2: the same for half map 2.
        replicates: number of curves.
        seed: seed of the resampling.

    Raises:
        ArgumentError: fewer than two groups, or different numbers of them.
    """
    groups = len(deviations1)
    if groups < 2 or len(deviations2) != groups:
        raise ArgumentError(f"{groups} and {len(deviations2)} groups of particles: both halves need as many, at least two")
    gram = _shell_products([half1, *deviations1, half2, *deviations2])
    curve, influence, scale = _expansion(gram, groups)
    generator = seeding.generator(seed)
    equal = [1 / groups] * groups
    drawn = [torch.from_numpy(generator.multinomial(groups, equal, replicates)).double() - 1 for _ in range(2)]
    moved = torch.cat(drawn, dim=1) @ influence * scale
    moved[:, 0] = 0  # the mean of a map is one number, and its correlation +1 or -1
    curve = curve.clamp(-LARGEST_FSC, LARGEST_FSC)
    return torch.tanh(torch.atanh(curve) + moved / (1 - curve**2))


def _shell_products(volumes: list[Tensor]) -> Tensor:
    """Return the real parts of the products of the transforms of v maps, summed over each shell, (n // 2 + 1, v, v)."""
    n = volumes[0].shape[-1]
    shell = fourier.half_space_shells(n).flatten()
    order = shell.argsort(stable=True)
    sizes = torch.bincount(shell)[: n // 2 + 1].tolist()
    order = order[: sum(sizes)]
    root = fourier.half_space_multiplicity(n).sqrt()
    rows = [(fourier.half_space(v) * root).flatten()[order] for v in volumes]
    products = []
    for first, size in zip(torch.tensor([0, *sizes]).cumsum(0).tolist(), sizes, strict=False):
        block = torch.view_as_real(torch.stack([row[first : first + size] for row in rows])).flatten(1).double()
        products.append(block @ block.T)
    return torch.stack(products)


def _expansion(gram: Tensor, groups: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return the FSC (s,), its derivatives by the groups' weights (2 g, s), and the factors on these (s,)."""
    one, two = 0, groups + 1
    first, second = slice(1, groups + 1), slice(groups + 2, None)
    power1, power2 = gram[:, one, one], gram[:, two, two]
    norm = torch.sqrt(power1 * power2).clamp_min(torch.finfo(gram.dtype).tiny)
    curve = gram[:, one, two] / norm
    of_first = gram[:, first, two] / norm[:, None] - (curve / power1)[:, None] * _power_change(gram, first, one)
    of_second = gram[:, one, second] / norm[:, None] - (curve / power2)[:, None] * _power_change(gram, second, two)
    influence = torch.cat([of_first, of_second], dim=1)
    # Deviations are from the mean of all groups: the variance of g independent ones is g / (g - 1) times theirs.
    inflation = groups / (groups - 1)
    f = curve.clamp(0, 1)
    return curve, influence.T, torch.sqrt(inflation * (1 + 2 * f - f**2) / (2 + 2 * f))


def _power_change(gram: Tensor, groups: slice, whole: int) -> Tensor:
    """Return half the change of a half map's power with each group, (s, g), to second order in the group itself."""
    own = gram[:, groups, groups].diagonal(dim1=1, dim2=2)
    return gram[:, groups, whole] - (own - own.mean(1, keepdim=True)) / 2
