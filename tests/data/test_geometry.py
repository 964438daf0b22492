"""Crops: where the origin stays, what is lost, what the metadata say afterwards."""

import pandas as pd
import pytest
import torch

from cryosense.data import CentreCrop, Compose, FourierCrop, ParticleDataError


def cosine(n: int, cycles: int) -> torch.Tensor:
    """(1, 1, n, n) wave of ``cycles`` per box along x, with its crest at the origin."""
    x = torch.arange(n, dtype=torch.float64) - n // 2
    return torch.cos(2 * torch.pi * cycles * x / n).expand(1, 1, n, n)


@pytest.mark.parametrize("n", [16, 15])
def test_centre_crop_keeps_the_origin(n) -> None:
    image = torch.zeros(1, 1, n, n)
    image[..., n // 2, n // 2] = 1
    cropped = CentreCrop(6)(image)
    assert cropped.shape == (1, 1, 6, 6)
    assert cropped[0, 0, 3, 3] == 1
    assert torch.equal(CentreCrop(6).invert(cropped, n), image)


def test_fourier_crop_keeps_slow_waves_and_drops_fast_ones() -> None:
    crop = FourierCrop(8)
    torch.testing.assert_close(crop(2 + cosine(16, 3) + cosine(16, 5)), 2 + cosine(8, 3))
    torch.testing.assert_close(crop.invert(2 + cosine(8, 3), 16), 2 + cosine(16, 3))


def test_metadata_follow() -> None:
    table = pd.DataFrame(
        {"rlnOriginX": [2.0], "rlnOriginXAngst": [3.0], "rlnDetectorPixelSize": [7.0], "rlnMagnification": [5e4]}
    )
    optics = pd.DataFrame({"rlnImagePixelSize": [1.5], "rlnImageSize": [64], "rlnVoltage": [300]})
    steps = Compose([CentreCrop(48), FourierCrop(24)])
    assert steps.box_after(64) == 24
    assert steps.pixel_size_after(1.5, 64) == 3.0
    assert steps.table_after(table, 64).to_dict("list") == {
        "rlnOriginX": [1.0],
        "rlnOriginXAngst": [3.0],
        "rlnDetectorPixelSize": [14.0],
        "rlnMagnification": [5e4],
    }
    assert steps.table_after(optics, 64).to_dict("list") == {
        "rlnImagePixelSize": [3.0],
        "rlnImageSize": [24],
        "rlnVoltage": [300],
    }
    assert table["rlnOriginX"].tolist() == [2.0]
    assert steps.describe() == [{"geometry": "centre_crop", "size": 48}, {"geometry": "fourier_crop", "size": 24}]


def test_composition_undoes_its_steps_in_reverse() -> None:
    steps = Compose([CentreCrop(16), FourierCrop(8)])
    image = CentreCrop(16).invert(cosine(16, 2), 24)
    torch.testing.assert_close(steps(image), cosine(8, 2))
    torch.testing.assert_close(steps.invert(cosine(8, 2), 24), image)
    assert torch.equal(Compose([])(image), image)


@pytest.mark.parametrize("crop", [CentreCrop, FourierCrop])
def test_sizes_that_cannot_be(crop) -> None:
    for size in (7, 0, -2):
        with pytest.raises(ParticleDataError, match="must be even"):
            crop(size)
    for call in (lambda: crop(8)(torch.zeros(1, 1, 6, 6)), lambda: crop(8).box_after(6)):
        with pytest.raises(ParticleDataError, match="6 px cannot be cropped to 8 px"):
            call()
