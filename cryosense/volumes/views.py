"""Which directions of a map's transform particles show: each shows the plane across the direction that it is seen along."""

from __future__ import annotations

import torch
from torch import Tensor


def view_directions(rotations: Tensor, operations: Tensor) -> Tensor:
    """(v, 3, 3) image-to-map rotations, (g, 3, 3) symmetry -> (g v, 3) unit vectors: where views look along, in the map."""
    return torch.einsum("gij,vj->gvi", operations.to(rotations.dtype), rotations[:, :, 2]).flatten(0, 1)


def unreached(views: Tensor, directions: Tensor, shell: int) -> Tensor:
    """(v, 3), (d, 3) unit vectors -> (d,) bool: no view's central slice comes near this direction at this shell.

    Near is within one Fourier pixel: with k the shell's radius in pixels, the angle of the direction to the slice must have a
    sine of 1 / k at most (the reach of a slice of a particle as large as the box; Crowther, DeRosier & Klug 1970).
    """
    closest = torch.stack([(views @ direction).abs().min() for direction in directions.to(views.dtype)])
    return closest * shell > 1
