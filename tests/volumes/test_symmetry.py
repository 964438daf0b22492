"""Point groups: as many rotations as RELION says, closed under multiplication, in RELION's setting."""

import pytest
import torch

from cryosense.volumes.symmetry import point_group


@pytest.mark.parametrize(("name", "order"), [("C1", 1), ("C7", 7), ("D1", 2), ("d5", 10)])
def test_a_group_of_rotations(name: str, order: int) -> None:
    group = point_group(name)
    assert len(group) == order
    torch.testing.assert_close(group[0], torch.eye(3, dtype=torch.float64))
    torch.testing.assert_close(torch.linalg.det(group), torch.ones(order, dtype=torch.float64))
    products = torch.einsum("aij,bjk->abik", group, group)
    distances = (products[:, :, None] - group).abs().amax((-1, -2))  # (a, b, g)
    assert bool((distances.min(-1).values < 1e-12).all())
    distinct = (group[:, None] - group).abs().amax((-1, -2)) > 0.1
    assert int(distinct.sum()) == order * (order - 1)


def test_the_twofold_axis_lies_along_x() -> None:
    assert any(torch.equal(g, torch.diag(torch.tensor([1.0, -1.0, -1.0], dtype=torch.float64))) for g in point_group("D3"))


@pytest.mark.parametrize("name", ["C0", "O", "C", "D2h", "C100", ""])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="symmetry="):
        point_group(name)
