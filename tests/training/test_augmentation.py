"""Turned images are the object turned; white noise stays white."""

import math

import numpy as np
import pytest
import torch

from cryosense import fourier, seeding
from cryosense.errors import ArgumentError
from cryosense.training.augmentation import AnyAngle, Augmentation, RightAngles, Unchanged

N = 32


def blob(angle: float) -> torch.Tensor:
    """(1, n, n): a Gaussian off the centre, turned by ``angle``."""
    axis = torch.arange(N, dtype=torch.float64) - N // 2
    x, y = axis[None, :], axis[:, None]
    u, v = 5 * math.cos(angle), 5 * math.sin(angle)
    return torch.exp(-((x - u) ** 2 + (y - v) ** 2) / 8)[None]


class Fixed(np.random.Generator):
    """Draws no turn by right angles and one given angle."""

    def __init__(self, angle: float) -> None:
        super().__init__(np.random.Philox(0))
        self.angle = angle

    def integers(self, *_: object, **__: object) -> int:  # type: ignore[override]
        return 0

    def uniform(self, *_: object, **__: object) -> float:  # type: ignore[override]
        return self.angle


@pytest.mark.parametrize("angle", [-0.7, -0.2, 0.4, math.pi / 4])
def test_three_shears_turn_the_object_by_the_angle(angle: float) -> None:
    turned = AnyAngle(mirror=False)(blob(0.3), Fixed(angle))
    both = [float((turned - blob(0.3 + sign * angle)).abs().max()) for sign in (1, -1)]
    assert min(both) < 1e-3  # to either side: angles are drawn symmetrically
    assert max(both) > 0.3


@pytest.mark.parametrize("augmentation", [Unchanged(), RightAngles(mirror=True), AnyAngle(mirror=True)])
def test_white_noise_stays_white(augmentation: Augmentation) -> None:
    noise = torch.randn(400, 1, N, N, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    changed = torch.stack([augmentation(image, seeding.generator(3, i)) for i, image in enumerate(noise)])
    before, after = (fourier.power_spectrum(images[:, 0])[:, 1:].mean(0) for images in (noise, changed))
    # 400 images: the first shell has 8 coefficients, 4 of them independent complex ones, so 3200 real numbers and 2.5 %.
    torch.testing.assert_close(after, torch.ones_like(after), atol=0.1, rtol=0)
    torch.testing.assert_close(after, before, atol=0.1, rtol=0)


def test_right_angles_and_mirrors_all_occur_and_move_pixels_only() -> None:
    image = torch.arange(16.0).reshape(1, 4, 4)
    seen = {tuple(RightAngles(mirror=True)(image, seeding.generator(0, i)).flatten().tolist()) for i in range(200)}
    assert len(seen) == 8
    assert all(sorted(pixels) == list(range(16)) for pixels in seen)
    assert len({tuple(RightAngles(mirror=False)(image, seeding.generator(0, i)).flatten().tolist()) for i in range(99)}) == 4


@pytest.mark.parametrize("augmentation", [Unchanged(), RightAngles(mirror=True), RightAngles(mirror=False)])
def test_a_ctf_turns_with_its_image(augmentation: Augmentation) -> None:
    """Filtered and turned is turned and filtered by the turned one; a CTF with astigmatism, all turns."""
    row, column = (torch.arange(N) + N // 2) % N - N // 2, torch.arange(N // 2 + 1)
    angle = torch.atan2(row[:, None].double(), column.double())
    ctf = torch.sin(0.1 + 0.02 * (row[:, None] ** 2 + column**2) * (1 + 0.3 * torch.cos(2 * (angle - 0.4))))[None]
    ctf[..., 1:, [0, -1]] = (ctf[..., 1:, [0, -1]] + ctf[..., 1:, [0, -1]].flip(-2)) / 2
    ctf[..., N // 2, 1:-1] = 0  # the same at k and -k
    image = torch.randn(1, N, N, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    seen = set()
    for i in range(20):
        turned = augmentation.of_plane(ctf, seeding.generator(3, i))
        assert turned.shape == ctf.shape
        expected = augmentation(fourier.filtered(image[None], ctf)[0], seeding.generator(3, i))
        made = fourier.filtered(augmentation(image, seeding.generator(3, i))[None], turned)[0]
        torch.testing.assert_close(made, expected)
        seen.add(turned.numpy().tobytes())
    # Half a turn changes no CTF.
    assert len(seen) == (1 if isinstance(augmentation, Unchanged) else 4 if augmentation.mirror else 2)  # type: ignore[attr-defined]


def test_turns_by_any_angle_are_refused_where_ctfs_are_told() -> None:
    with pytest.raises(ArgumentError, match=r"AnyAngle does not turn the CTFs .* set augmentation=right_angles or none"):
        AnyAngle().of_plane(torch.ones(1, N, N // 2 + 1), seeding.generator(0))
