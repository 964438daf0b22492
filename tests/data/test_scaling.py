"""Scalings: where values go, that they come back, and that no image depends on its neighbours."""

import numpy as np
import pytest
import torch

from cryosense.data import AsIs, ParticleDataError, ParticleStack, PerImage, StackStatistics, UnitInterval, scaled_like


@pytest.fixture
def stack(tmp_path, noise) -> ParticleStack:
    np.save(tmp_path / "a.npy", 1000 + 30 * noise(0, 11, 8, 8))
    return ParticleStack.open(tmp_path / "a.npy")


@pytest.mark.parametrize("scaling", [AsIs(), UnitInterval(), PerImage(), StackStatistics(3.0)], ids=lambda s: type(s).__name__)
def test_laws(stack, scaling) -> None:
    images = stack[:]
    scaled, offset, gain = scaling.fit(stack, 4)(images)
    assert offset.shape == gain.shape == (11,)
    torch.testing.assert_close(scaling.invert(scaled, offset, gain), images, rtol=1e-6, atol=0)
    torch.testing.assert_close(offset.view(-1, 1, 1, 1) + gain.view(-1, 1, 1, 1) * scaled, images, rtol=1e-6, atol=0)
    for i in range(11):
        alone = scaling(images[i : i + 1])
        for got, expected in zip(alone, (scaled, offset, gain), strict=True):
            assert torch.equal(got[0], expected[i])


def test_clean_images_go_where_the_noise_on_them_alone_takes_them_from(stack) -> None:
    """Scaled by its noisy image's map, not by its own extremes, a clean image differs from it by the noise over the gain."""
    noisy = stack[:]
    noise = torch.linspace(-1, 1, 64).view(1, 1, 8, 8).expand_as(noisy)
    scaled, offset, gain = PerImage()(noisy)
    difference = scaled - scaled_like(noisy - noise, offset, gain)
    torch.testing.assert_close(difference, noise / gain.view(-1, 1, 1, 1), rtol=0, atol=1e-5)  # 24 bits of 1000, over the gain


def test_where_values_go(stack) -> None:
    grey = torch.tensor([0.0, 0.25, 1.0]).view(1, 1, 1, 3)
    assert UnitInterval()(grey)[0].flatten().tolist() == [-1.0, -0.5, 1.0]
    assert torch.equal(AsIs()(grey)[0], grey)
    scaled = PerImage()(stack[:])[0].flatten(1)
    np.testing.assert_allclose(scaled.amin(1), -1, rtol=1e-6)
    np.testing.assert_allclose(scaled.amax(1), 1, rtol=1e-6)


def test_stack_statistics_are_those_of_all_pixels_whatever_the_chunks(stack) -> None:
    pixels = stack[:].double()
    fits = [StackStatistics(2.0).fit(stack, size).describe() for size in (1, 4, 11)]
    assert fits[0] == fits[1] == fits[2]
    assert fits[0]["mean"] == pytest.approx(float(pixels.mean()), rel=1e-12)
    assert fits[0]["deviation"] == pytest.approx(float(pixels.std(correction=0)), rel=1e-10)
    scaled, _, _ = StackStatistics(2.0).fit(stack, 4)(stack[:])
    assert float(scaled.std(correction=0)) == pytest.approx(0.5, rel=1e-5)


def test_what_cannot_be_scaled(tmp_path, stack) -> None:
    images = stack[:3]
    images[1] = 4.0
    with pytest.raises(ParticleDataError, match="image 1 of the batch is constant"):
        PerImage()(images)
    with pytest.raises(ParticleDataError, match="call fit first"):
        StackStatistics(3.0)(images)
    with pytest.raises(ParticleDataError, match="deviations: 0"):
        StackStatistics(0.0)
    images[2, 0, 1, 1] = torch.nan
    torch.save(images, tmp_path / "bad.pt")
    with pytest.raises(ParticleDataError, match=r"bad\.pt: particle 2 is not finite"):
        StackStatistics(3.0).fit(ParticleStack.open(tmp_path / "bad.pt"), 2)
    torch.save(torch.ones(2, 4, 4), tmp_path / "flat.pt")
    with pytest.raises(ParticleDataError, match=r"flat\.pt: all pixels"):
        StackStatistics(3.0).fit(ParticleStack.open(tmp_path / "flat.pt"), 2)
