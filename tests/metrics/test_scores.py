"""The scores of a chunk: names, the empty LPIPS column, and what the clean scores reward."""

import pytest
import torch
from torch import nn

from cryosense.fourier import fourier_crop, fourier_pad
from cryosense.metrics import Scores, frc, psnr

NOISY = {"psnr", "ssim", "lpips", "mse", "mae"}
CLEAN = {"psnr_clean", "ssim_clean", "lpips_clean", "mse_clean", "correlation_clean", "frc_area_clean"}


def test_names_and_shapes_and_the_empty_column() -> None:
    x, reference = torch.rand(2, 3, 1, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    scores, clean = Scores(None)(x, reference), Scores(None).against_clean(x, reference)
    assert set(scores) == NOISY
    assert set(clean) == CLEAN
    assert all(value.shape == (3,) for value in [*scores.values(), *clean.values()])
    assert torch.isnan(scores["lpips"]).all()
    assert torch.isnan(clean["lpips_clean"]).all()
    torch.testing.assert_close(clean["psnr_clean"], psnr(x, reference))
    torch.testing.assert_close(clean["frc_area_clean"], frc(x, reference)[:, 1:].mean(dim=1))


def test_clean_scores_see_signal_where_psnr_sees_noise() -> None:
    generator = torch.Generator().manual_seed(4)
    clean = 0.3 * fourier_pad(torch.randn(2, 1, 16, 16, generator=generator), 64)
    noisy = clean + 0.5 * torch.randn(clean.shape, generator=generator)
    smoothed, nothing = fourier_pad(fourier_crop(noisy, 16), 64), torch.zeros_like(clean)
    scores = Scores(None)
    assert (scores(noisy, noisy)["mse"] == 0).all()
    assert (scores(smoothed, noisy)["psnr"] < 20).all()
    assert (scores.against_clean(smoothed, clean)["correlation_clean"] > 0.9).all()
    assert (scores.against_clean(noisy, clean)["correlation_clean"] < 0.6).all()
    assert (scores.against_clean(nothing, clean)["frc_area_clean"] == 0).all()


class Counting(nn.Module):
    """In place of the network: the difference of the images, and how many were scored."""

    scored = 0

    def forward(self, x: torch.Tensor, reference: torch.Tensor) -> torch.Tensor:
        self.scored += len(x)
        return (x - reference).abs().double().mean(dim=(1, 2, 3))


def test_lpips_of_every_so_many_particles_by_their_numbers() -> None:
    x, reference = torch.rand(2, 6, 1, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    network, numbers = Counting(), torch.tensor([3, 4, 8, 9, 10, 12])
    values = Scores(network, 4)(x, reference, numbers)["lpips"]  # type: ignore[arg-type]
    assert torch.isfinite(values).tolist() == [False, True, True, False, False, True]
    assert network.scored == 3
    torch.testing.assert_close(values[1:3], Scores(network)(x, reference)["lpips"][1:3])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="lpips_every=0"):
        Scores(None, 0)
