"""Maps that have a symmetry, have it about another axis, or have another one."""

import torch

from cryosense.alignment.coefficients import Disc
from cryosense.alignment.reference import Reference
from cryosense.alignment.symmetric import agreement
from cryosense.volumes.symmetry import point_group

N = 32


def ring(symmetry: str, beside: float) -> torch.Tensor:
    """-> the map of points that the group makes of three, about an axis ``beside`` the middle of the box in y."""
    places = torch.tensor([[7.0, 1.0, 2.0], [4.0, -2.0, 5.0], [9.0, 2.0, -3.0]], dtype=torch.float64)
    made = (point_group(symmetry) @ places.T).transpose(1, 2).flatten(0, 1) + torch.tensor([0.0, beside, 0.0])
    axis = torch.arange(N, dtype=torch.float64) - N // 2
    z, y, x = torch.meshgrid(axis, axis, axis, indexing="ij")
    points = torch.stack([x, y, z], -1)
    return sum(torch.exp(-(points - place).square().sum(-1) / 3) for place in made).float()  # type: ignore[union-attr]


def found(volume: torch.Tensor, symmetry: str) -> float:
    return agreement(Reference(volume, Disc(N, 8), 2), point_group(symmetry))


def test_a_map_agrees_with_itself_under_its_own_symmetry_and_its_parts_alone() -> None:
    for told, held in (("C4", "C4"), ("C4", "C2"), ("D3", "D3"), ("D3", "C3"), ("C1", "C1")):
        assert found(ring(told, 0), held) > 0.98, (told, held)
    for told, other in (("C4", "C3"), ("C4", "D4"), ("C4", "C8"), ("D3", "D2"), ("C1", "C2")):
        assert found(ring(told, 0), other) < 0.5, (told, other)


def test_the_further_its_axis_is_beside_the_middle_the_less_it_agrees() -> None:
    values = [found(ring("C4", beside), "C4") for beside in (0.0, 0.5, 1.0)]
    assert values[0] > 0.98 > 0.95 > values[1] > values[2]
