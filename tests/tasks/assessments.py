"""An assessment of small maps, with one thing or another changed."""

from dataclasses import replace

import torch

from cryosense.metrics import sphere_mask
from cryosense.tasks.maps.anisotropy import Cones
from cryosense.tasks.maps.assessment import Assessment
from cryosense.tasks.maps.uncertainty import Bootstrap


def ball_mask(volume: torch.Tensor, pixel_size_angstrom: float) -> torch.Tensor:
    return sphere_mask(volume, pixel_size_angstrom, radius_angstrom=15.0, edge_pixels=2.0)


def assessment(**changes: object) -> Assessment:
    """-> one with nothing to compare with and without intervals, but for the ``changes``."""
    plain = Assessment(ball_mask, 0.8, 0, Bootstrap(0, 2, 0.95, 0), Cones(30, 20.0), None, None, None, None)
    return replace(plain, **changes)
