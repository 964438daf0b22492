"""Transforms against their definitions."""

import math

import pytest
import torch

from cryosense import fourier

SIZES = (8, 9, 32, 48)


@pytest.mark.parametrize("n", SIZES)
def test_centred_transform_is_the_unitary_sum(n: int) -> None:
    x = torch.randn(n, n, dtype=torch.float64, generator=torch.Generator().manual_seed(n))
    r = torch.arange(n, dtype=torch.float64) - n // 2
    kernel = torch.exp(-2j * math.pi * torch.outer(r, r) / n) / math.sqrt(n)
    torch.testing.assert_close(fourier.fftn(x), kernel @ x.to(kernel.dtype) @ kernel.T)
    torch.testing.assert_close(fourier.ifftn(fourier.fftn(x)).real, x)


def test_a_batch_that_is_one_image_repeated_is_transformed_like_its_copies() -> None:
    """Torch 2.6, the oldest that is taken, refuses views of this kind."""
    for ndim in (2, 3):
        one = torch.randn(1, *(8,) * ndim)
        view, copies = one.expand(3, *one.shape[1:]), one.repeat(3, *(1,) * ndim)
        assert torch.equal(fourier.half_spectrum(view, ndim), fourier.half_spectrum(copies, ndim))
    assert torch.equal(fourier.half_plane(view), fourier.half_plane(copies))
    assert torch.equal(fourier.hartley(view), fourier.hartley(copies))


@pytest.mark.parametrize("n", SIZES)
def test_friedel_partner_is_the_conjugate_for_real_images(n: int) -> None:
    spectrum = fourier.fftn(torch.randn(2, n, n, dtype=torch.float64))
    torch.testing.assert_close(fourier.friedel_partner(spectrum), spectrum.conj())


@pytest.mark.parametrize("n", SIZES)
def test_hartley_is_orthonormal_and_agrees_with_the_half_plane(n: int) -> None:
    x = torch.randn(3, 1, n, n, dtype=torch.float64)
    h = fourier.hartley(x)
    torch.testing.assert_close(h.square().sum(), x.square().sum())
    torch.testing.assert_close(fourier.inverse_hartley(h), x)
    torch.testing.assert_close(fourier.hartley_to_half_plane(h), fourier.half_plane(x))
    y = torch.randn_like(x)
    torch.testing.assert_close((h * y).sum(), (x * fourier.inverse_hartley(y)).sum())


@pytest.mark.parametrize("ndim", [2, 3])
def test_power_spectrum_of_white_noise_is_flat(ndim: int) -> None:
    x = 3 * torch.randn(*(20, 32, 32, 32)[: ndim + 1], generator=torch.Generator().manual_seed(1))
    assert fourier.power_spectrum(x, ndim).mean(0)[4:].sub(9).abs().max() < 1.2


def test_fourier_crop_keeps_a_slow_wave_and_its_mean() -> None:
    t32, t48 = (torch.arange(n, dtype=torch.float64) - n // 2 for n in (32, 48))
    wave = [2 + torch.cos(2 * math.pi * 3 * t / len(t)).outer(torch.ones_like(t)) for t in (t32, t48)]
    torch.testing.assert_close(fourier.fourier_crop(wave[1], 32), wave[0])
    torch.testing.assert_close(fourier.fourier_pad(wave[0], 48), wave[1])


def test_half_space_is_the_last_half_of_the_centred_transform() -> None:
    x = torch.randn(12, 12, 12, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    full = torch.cat([fourier.fftn(x, 3)[..., 6:], fourier.fftn(x, 3)[..., :1]], dim=-1)
    torch.testing.assert_close(fourier.half_space(x), full)


@pytest.mark.parametrize("n", SIZES)
def test_half_planes_and_half_spaces_are_halves_of_the_centred_transform(n: int) -> None:
    generator = torch.Generator().manual_seed(n)
    image = torch.randn(2, n, n, dtype=torch.float64, generator=generator)
    expected = fourier.centred_to_half_plane(fourier.fftn(image))
    torch.testing.assert_close(fourier.centred_half_plane(image), expected)
    volume = torch.randn(n, n, n, dtype=torch.float64, generator=generator)
    torch.testing.assert_close(fourier.from_half_space(fourier.half_space(volume), n), volume)


@pytest.mark.parametrize("n", SIZES)
def test_a_filter_multiplies_the_spectrum_and_rounds_alike_in_every_batch(n: int) -> None:
    x = torch.randn(5, 1, n, n, generator=torch.Generator().manual_seed(n))
    gain = 1 / (1 + fourier.frequency_radius(n).float())
    result = fourier.filtered(x, fourier.centred_to_half_plane(gain))
    torch.testing.assert_close(result, fourier.ifftn(fourier.fftn(x) * gain).real)
    assert all(
        torch.equal(fourier.filtered(x[i : i + 1], fourier.centred_to_half_plane(gain)), result[i : i + 1]) for i in range(5)
    )


@pytest.mark.parametrize("n", [6, 7])
def test_half_a_space_stands_for_the_whole(n: int) -> None:
    """Its coefficients in each shell, each as often as it says, are those of the whole space; so is the power."""
    shells = fourier.half_space_shells(n)
    times = fourier.half_space_multiplicity(n).expand(shells.shape)
    torch.testing.assert_close(
        torch.bincount(shells.flatten(), times.flatten()), torch.bincount(fourier.shell_index(n, 3).flatten()).double()
    )
    x = torch.randn(n, n, n, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close((fourier.half_space(x).abs().square() * times).sum(), x.square().sum())
