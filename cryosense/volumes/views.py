"""Which directions of a map's transform particles show: each shows the plane perpendicular to its viewing direction."""

from __future__ import annotations

import torch
from torch import Tensor


def view_directions(rotations: Tensor, operations: Tensor) -> Tensor:
    """Return the viewing directions in the map, unit vectors (g v, 3).

    Args:
        rotations: (v, 3, 3) image-to-map rotations.
        operations: (g, 3, 3) rotations of the symmetry.
    """
    return torch.einsum("gij,vj->gvi", operations.to(rotations.dtype), rotations[:, :, 2]).flatten(0, 1)


def unreached(views: Tensor, directions: Tensor, shell: int) -> Tensor:
    """Return whether no view's central slice comes near each direction at this shell, (d,) bool.

    Views (v, 3) and directions (d, 3) are unit vectors. Near is within one Fourier pixel: with k the shell's radius in pixels,
    the angle of the direction to the slice must have a sine of at most 1 / k (the reach of a slice of a particle as large as
    the box; Crowther, DeRosier and Klug 1970).
    """
    closest = torch.stack([(views @ direction).abs().min() for direction in directions.to(views.dtype)])
    return closest * shell > 1
