"""Point groups Cn and Dn in RELION's setting: the main axis along z, and for Dn a twofold axis along x."""

from __future__ import annotations

import re

import torch
from torch import Tensor

from cryosense.errors import ArgumentError
from cryosense.volumes.poses import rotation_matrices


def point_group(name: str) -> Tensor:
    """Return the rotations that leave a map of this symmetry ("C7", "D2") unchanged, the identity first, (g, 3, 3).

    Raises:
        ArgumentError: another name.
    """
    match = re.fullmatch(r"([CcDd])([1-9]\d?)", name)
    if match is None:
        raise ArgumentError(f"symmetry={name}: point groups are C1, C2, ... C99 and D1, D2, ... D99")
    order = int(match[2])
    turns = torch.zeros(order, 3, dtype=torch.float64)
    turns[:, 0] = 360 * torch.arange(order, dtype=torch.float64) / order
    about_z = rotation_matrices(turns)
    if match[1] in "Cc":
        return about_z
    half_turn = torch.diag(torch.tensor([1.0, -1.0, -1.0], dtype=torch.float64))
    return torch.cat([about_z, about_z @ half_turn])
