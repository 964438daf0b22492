"""Images rotated and mirrored in their plane: as likely as the originals, since particles lie in any direction."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
import torch
from torch import Tensor

from cryosense import fourier
from cryosense.shown import ShowsParameters


class Augmentation(ShowsParameters, ABC):
    """What is done to an image before a network is trained on it, with random numbers from the given generator."""

    @abstractmethod
    def __call__(self, image: Tensor, random: np.random.Generator) -> Tensor:
        """Return the changed image, (1, n, n)."""


class Unchanged(Augmentation):
    """Images as they are."""

    def __call__(self, image: Tensor, random: np.random.Generator) -> Tensor:
        return image


class RightAngles(Augmentation):
    """One of the four right-angle rotations and, optionally, the mirror image: pixels change places, none is interpolated.

    A mirrored projection is a projection of the same object from the opposite side, so nothing untrue is learned.
    """

    def __init__(self, mirror: bool = True) -> None:
        self.mirror = mirror

    def __call__(self, image: Tensor, random: np.random.Generator) -> Tensor:
        turned = torch.rot90(image, int(random.integers(4)), (-2, -1))
        return turned.flip(-1) if self.mirror and random.integers(2) else turned


class AnyAngle(Augmentation):
    """A rotation by any angle and, optionally, the mirror image.

    A right angle and then three shears by at most 45 degrees, each a phase ramp along one axis: no interpolation, so white
    noise stays white (Unser, Thevenaz and Yaroslavsky 1995). What leaves the box on one side enters on the other.
    """

    def __init__(self, mirror: bool = True) -> None:
        self.right_angles = RightAngles(mirror)

    def __call__(self, image: Tensor, random: np.random.Generator) -> Tensor:
        angle = random.uniform(-np.pi / 4, np.pi / 4)
        turned = fourier.shear(self.right_angles(image, random), -float(np.tan(angle / 2)), -1)
        return fourier.shear(fourier.shear(turned, float(np.sin(angle)), -2), -float(np.tan(angle / 2)), -1)
