"""Images rotated and mirrored in their plane: as likely as the originals, since particles lie in any direction."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
import torch
from torch import Tensor

from cryosense import fourier
from cryosense.errors import ArgumentError
from cryosense.measurement.particle_ctf import ParticleCtf
from cryosense.shown import ShowsParameters

UNTURNED = "{} does not turn the CTFs of images with them: set augmentation=right_angles or none, or ctf=none"


class Augmentation(ShowsParameters, ABC):
    """What is done to an image before a network is trained on it, with random numbers from the given generator.

    Attributes:
        turns_ctf: whether ``of_plane`` does the same to CTFs.
    """

    turns_ctf = False

    @abstractmethod
    def __call__(self, image: Tensor, random: np.random.Generator) -> Tensor:
        """Return the changed image, (1, n, n)."""

    def of_plane(self, plane: Tensor, random: np.random.Generator) -> Tensor:
        """Return a filter's half plane, (1, n, n // 2 + 1), for images changed with the same random numbers.

        Raises:
            ArgumentError: a change for which there is none.
        """
        raise ArgumentError(UNTURNED.format(type(self).__name__))


class Unchanged(Augmentation):
    """Images as they are."""

    turns_ctf = True

    def __call__(self, image: Tensor, random: np.random.Generator) -> Tensor:
        return image

    def of_plane(self, plane: Tensor, random: np.random.Generator) -> Tensor:
        return plane


class RightAngles(Augmentation):
    """One of the four right-angle rotations and, optionally, the mirror image: pixels change places, none is interpolated.

    A mirrored projection is a projection of the same object from the opposite side, so nothing untrue is learned.
    """

    turns_ctf = True

    def __init__(self, mirror: bool = True) -> None:
        self.mirror = mirror

    def __call__(self, image: Tensor, random: np.random.Generator) -> Tensor:
        turned = torch.rot90(image, int(random.integers(4)), (-2, -1))
        return turned.flip(-1) if self.mirror and random.integers(2) else turned

    def of_plane(self, plane: Tensor, random: np.random.Generator) -> Tensor:
        n = plane.shape[-2]
        from_zero = plane[..., (torch.arange(n + 1) - n // 2) % n, :]
        # The whole plane with Nyquist on both sides, so that its middle stays where it is.
        whole = torch.cat([from_zero.flip((-2, -1))[..., :-1], from_zero], dim=-1)
        return self(whole, random)[..., (torch.arange(n) + n // 2) % n, n // 2 :]


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


def refuse_unturned(augmentation: Augmentation, ctf: ParticleCtf | None) -> None:
    """Raise ArgumentError for images that are turned while their CTFs are not."""
    if ctf is not None and not augmentation.turns_ctf:
        raise ArgumentError(UNTURNED.format(type(augmentation).__name__))
