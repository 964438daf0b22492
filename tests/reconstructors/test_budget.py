"""Baselines of the same budget keep to it."""

import math

import pytest
import torch

from cryosense.operators import PixelMasking, masks
from cryosense.reconstructors import FourierCrop, PseudoInverse, Quantised
from cryosense.reconstructors.budget import code_length_bits

N = 32
OPERATOR = PixelMasking(masks.random_binary(N, 8, keep_probability=0.5, seed=0), 4)


def images(count: int) -> torch.Tensor:
    return torch.randn(count, 1, N, N, generator=torch.Generator().manual_seed(0))


def test_the_crop_keeps_low_frequencies_within_the_rank() -> None:
    crop = FourierCrop().operator(OPERATOR)
    assert 0.85 * int(OPERATOR.rank) < int(crop.rank) <= int(OPERATOR.rank)
    x = images(3)
    cropped = FourierCrop()(crop(x), crop)
    torch.testing.assert_close(FourierCrop()(crop(cropped), crop), cropped)
    wave = torch.cos(2 * math.pi * 3 * torch.arange(N) / N).expand(1, 1, N, N)
    torch.testing.assert_close(FourierCrop()(crop(wave), crop), wave, atol=1e-5, rtol=0)


@pytest.mark.parametrize("bits_per_number", [4, 8])
def test_quantised_images_fit_the_bits_and_use_them(bits_per_number: int) -> None:
    method = Quantised(bits_per_number)
    everything = method.operator(OPERATOR)
    x = images(4)
    coarse = method(everything(x), everything)
    budget = float(method.bits(everything, bits_per_number))
    assert budget == float(OPERATOR.measurement_bits(bits_per_number))
    for image in coarse:
        values, levels = torch.unique(torch.round(image * 1e4) / 1e4, return_inverse=True)
        used = float(code_length_bits(levels.reshape(1, -1))) + Quantised.HEADER_BITS
        assert len(values) > 2
        assert 0.9 * budget < used <= budget
    alone = method(everything(x[2:3]), everything)
    torch.testing.assert_close(alone, coarse[2:3])


def test_code_length_is_that_of_the_sequential_coder() -> None:
    """Krichevsky-Trofimov: symbol j next with probability (c_j + 1/2) / (k + m/2), symbol after symbol."""
    row = torch.randint(0, 5, (300,), generator=torch.Generator().manual_seed(1))
    counts, bits = torch.zeros(int(row.max()) + 1), 0.0
    for symbol in row:
        bits -= math.log2(float((counts[symbol] + 0.5) / (counts.sum() + len(counts) / 2)))
        counts[symbol] += 1
    assert float(code_length_bits(row[None])) == pytest.approx(bits, rel=1e-6)


def test_asked_in_the_wrong_order_they_say_so() -> None:
    with pytest.raises(ValueError, match="ask for the operator first"):
        Quantised(8)(OPERATOR(images(1)), OPERATOR)
    assert torch.equal(PseudoInverse().bits(OPERATOR, 8), OPERATOR.measurement_bits(8))
