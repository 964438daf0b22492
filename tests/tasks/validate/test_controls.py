"""Images with nothing in them keep what they should keep, and are each particle's own."""

import torch

from cryosense.fourier import fftn, shell_index
from cryosense.tasks.validate.controls import chosen_particles, noise_like, phases_randomised

IMAGES = 3 + 2 * torch.randn(6, 1, 16, 16, generator=torch.Generator().manual_seed(0))
NUMBERS = torch.tensor([0, 5, 7, 100, 101, 3])


def test_noise_has_each_images_mean_and_deviation() -> None:
    made = noise_like(IMAGES, NUMBERS, 4)
    mean, deviation = IMAGES.mean((-2, -1), keepdim=True), IMAGES.std((-2, -1), keepdim=True)
    white = (made - mean) / deviation
    assert float((white.mean() * white.numel() ** 0.5).abs()) < 4
    assert (
        float(((white * IMAGES.sub(mean) / deviation).sum() / white.numel() ** 0.5).abs()) < 4
    )  # nothing of the images in it
    torch.testing.assert_close(noise_like(IMAGES[3:4], NUMBERS[3:4], 4), made[3:4])
    assert not torch.equal(noise_like(IMAGES, NUMBERS, 5), made)


def test_chosen_particles_are_even_and_odd() -> None:
    chosen = chosen_particles(1000, 100, 3)
    assert len(chosen.unique()) == 100
    assert bool((chosen.diff() > 0).all())
    assert 30 < int((chosen % 2).sum()) < 70  # 50 expected, deviation 5
    assert torch.equal(chosen_particles(10, 100, 3), torch.arange(10))


def test_phases_are_random_beyond_the_shell_and_amplitudes_everywhere_kept() -> None:
    made = phases_randomised(IMAGES, NUMBERS, 4, first_shell=4)
    before, after = fftn(IMAGES.double()), fftn(made.double())
    beyond = shell_index(16) >= 4
    torch.testing.assert_close(after.abs(), before.abs(), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(after[..., ~beyond], before[..., ~beyond], atol=1e-4, rtol=1e-4)
    turned = (after * before.conj())[..., beyond]
    agreement = turned.real.sum() / turned.abs().sum()
    assert float(agreement.abs()) < 4 / (6 * int(beyond.sum()) / 2) ** 0.5
    torch.testing.assert_close(phases_randomised(IMAGES[3:4], NUMBERS[3:4], 4, 4), made[3:4])
