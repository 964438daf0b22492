"""Scores per image against closed forms, scikit-image and the logged golden pairs."""

from pathlib import Path

import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from torch import Tensor

from cryosense.metrics import correlation, lpips, mae, mse, psnr, ssim

GOLDEN = {
    "reference_dct_pixel_K2_M2.pt": (0.032378, 20.92, 0.5922),
    "reference_dct_fourier_uniform_p05.pt": (0.030976, 21.11, 0.6988),
}


def pair(size: int = 40, images: int = 5) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(3)
    reference = torch.rand(images, 1, size, size, generator=generator) * 2 - 1
    return (reference + 0.3 * torch.randn(reference.shape, generator=generator)).clamp(-1, 1), reference


def test_ssim_and_psnr_are_those_of_scikit_image() -> None:
    x, reference = pair()
    a, b = ((image.double().numpy() + 1) / 2 for image in (x, reference))
    for i in range(len(x)):
        theirs = structural_similarity(b[i, 0], a[i, 0], data_range=1)
        assert float(ssim(x, reference)[i]) == pytest.approx(theirs, abs=1e-6)
        assert float(ssim(x.double(), reference.double())[i]) == pytest.approx(theirs, abs=1e-10)
        assert float(psnr(x, reference)[i]) == pytest.approx(
            peak_signal_noise_ratio(b[i, 0], a[i, 0], data_range=1), abs=1e-10
        )


def test_ssim_of_nearly_flat_images_does_not_lose_its_digits() -> None:
    x, reference = (0.9 + 1e-3 * image for image in pair())
    a, b = ((image[0, 0].double().numpy() + 1) / 2 for image in (x, reference))
    assert float(ssim(x, reference)[0]) == pytest.approx(structural_similarity(b, a, data_range=1), abs=1e-6)


def test_closed_forms_of_a_constant_offset() -> None:
    _, reference = pair()
    x = reference + 0.2
    torch.testing.assert_close(mse(x, reference), torch.full((5,), 0.04, dtype=torch.float64), atol=1e-7, rtol=0)
    torch.testing.assert_close(mae(x, reference), torch.full((5,), 0.2, dtype=torch.float64), atol=1e-7, rtol=0)
    torch.testing.assert_close(psnr(x, reference), torch.full((5,), 20.0, dtype=torch.float64), atol=1e-4, rtol=0)
    torch.testing.assert_close(correlation(x, reference), torch.ones(5, dtype=torch.float64), atol=1e-6, rtol=0)
    assert torch.isinf(psnr(reference, reference)).all()


def test_correlation_with_independent_noise_is_the_known_share_of_variance() -> None:
    generator = torch.Generator().manual_seed(0)
    clean = torch.randn(2, 1, 256, 256, generator=generator)
    noisy = clean + 2 * torch.randn(clean.shape, generator=generator)
    torch.testing.assert_close(correlation(noisy, clean), torch.full((2,), 5**-0.5, dtype=torch.float64), atol=0.01, rtol=0)
    assert torch.isnan(correlation(torch.zeros_like(clean), clean)).all()


@pytest.mark.parametrize("score", [mse, mae, psnr, ssim, correlation])
def test_an_image_scores_alone_as_in_a_batch(score) -> None:  # type: ignore[no-untyped-def]
    x, reference = pair()
    alone = torch.cat([score(x[i : i + 1], reference[i : i + 1]) for i in reversed(range(5))]).flip(0)
    torch.testing.assert_close(score(x, reference), alone, atol=1e-13, rtol=1e-13)


@pytest.mark.parametrize("score", [mse, mae, psnr, ssim, correlation, lpips])
def test_shapes_that_would_broadcast_are_refused(score) -> None:  # type: ignore[no-untyped-def]
    x, reference = pair()
    with pytest.raises(ValueError, match="one shape"):
        score(x, reference[:1])
    with pytest.raises(ValueError, match="b, 1, n, n"):
        score(x[:, 0], reference[:, 0])


def test_ssim_names_images_smaller_than_its_window() -> None:
    with pytest.raises(ValueError, match="at least 7 px, got 6 px"):
        ssim(torch.zeros(1, 1, 6, 6), torch.zeros(1, 1, 6, 6))


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_pairs_to_the_printed_digits(name: str, reference_data: Path) -> None:
    particle = 2 * torch.load(reference_data / "real" / "empiar10076_particle_128.pt", weights_only=True)[None] - 1
    reconstruction = torch.load(reference_data / "real" / name, weights_only=True)
    scores = (mse(reconstruction, particle), psnr(reconstruction, particle), ssim(reconstruction, particle))
    expected_mse, expected_psnr, expected_ssim = GOLDEN[name]
    assert f"{scores[0].item():.6f}" == f"{expected_mse:.6f}"
    assert f"{scores[1].item():.2f}" == f"{expected_psnr:.2f}"
    assert f"{scores[2].item():.4f}" == f"{expected_ssim:.4f}"
