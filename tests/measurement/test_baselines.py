"""Baselines of the same budget keep to it, each particle to its own."""

import math
from functools import partial

import pytest
import torch

from cryosense.measurement import AllPixels, EntropyBudget, FourierCrop, FourierDesign, Identity, PixelDesign, acquire
from cryosense.measurement.entropy_budget import HEADER_BITS, code_length_bits
from cryosense.operators import masks
from cryosense.reconstructors import PseudoInverse

N, NUMBERS = 32, torch.arange(4)
DESIGN = PixelDesign(partial(masks.random_binary, keep_probability=0.5), 4, 2.0, False, 0)
OWN = FourierDesign(masks.uniform, False, 2.5, True, 0)  # of which no two have the same rank
PINV = PseudoInverse()


def images(count: int) -> torch.Tensor:
    return torch.randn(count, 1, N, N, generator=torch.Generator().manual_seed(0))


def test_the_crop_keeps_low_frequencies_within_the_rank() -> None:
    rank, crop = int(DESIGN.operator(N, NUMBERS).rank), FourierCrop(DESIGN)
    measured = acquire(images(4), NUMBERS, crop)
    assert 0.85 * rank < int(measured.operator.rank) <= rank
    cropped = PINV(measured).x
    torch.testing.assert_close(PINV(acquire(cropped, NUMBERS, crop)).x, cropped)
    wave = torch.cos(2 * math.pi * 3 * torch.arange(N) / N).expand(4, 1, N, N)
    torch.testing.assert_close(PINV(acquire(wave, NUMBERS, crop)).x, wave, atol=1e-5, rtol=0)


def test_each_particle_has_its_own_budget() -> None:
    ranks = OWN.operator(N, NUMBERS).rank
    assert len(set(ranks.tolist())) > 1
    together = acquire(images(4), NUMBERS, FourierCrop(OWN))
    for i, rank in enumerate(ranks.tolist()):
        alone = acquire(images(4)[i : i + 1], NUMBERS[i : i + 1], FourierCrop(OWN))
        assert torch.equal(alone.y, together.y[i : i + 1])
        assert (int(rank**0.5) - 2) ** 2 < int(alone.operator.rank) <= rank


@pytest.mark.parametrize("bits_per_number", [4, 8])
def test_quantised_images_fit_the_bits_and_use_them(bits_per_number: int) -> None:
    quantiser, x = EntropyBudget(DESIGN, bits_per_number), images(4)
    coarse = acquire(x, NUMBERS, AllPixels(DESIGN), quantiser=quantiser)
    budget = float(DESIGN.operator(N, NUMBERS).measurement_bits(bits_per_number))
    assert coarse.bits.tolist() == [budget] * 4
    for image, error, std in zip(coarse.y, coarse.y - x, coarse.noise_std, strict=True):
        values, levels = torch.unique(torch.round(image * 1e4) / 1e4, return_inverse=True)
        used = float(code_length_bits(levels.reshape(1, -1))) + HEADER_BITS
        assert len(values) > 2
        assert 0.9 * budget < used <= budget
        assert float(error.square().mean().sqrt()) == pytest.approx(float(std.square().mean().sqrt()), rel=0.1)
    alone = acquire(x[2:3], NUMBERS[2:3], AllPixels(DESIGN), quantiser=quantiser)
    assert torch.equal(alone.y, coarse.y[2:3])
    torch.testing.assert_close(PINV(coarse).x, coarse.y)


def test_more_bits_keep_more_of_a_weak_signal() -> None:
    """Signal-to-noise 0.05: what levels say of the signal grows with bits, and comes near what a quantiser can keep."""
    signal, noise = (torch.randn(8, 1, 64, 64, generator=torch.Generator().manual_seed(seed)) for seed in (1, 2))
    x, numbers = 0.05**0.5 * signal + noise, torch.arange(8)
    design, kept = PixelDesign(partial(masks.random_binary, keep_probability=0.5), 4, 2.0, False, 0), []
    whole = float((x * signal).mean() ** 2 / x.square().mean())
    for bits in (0.25, 0.5, 1, 2, 4):
        made = acquire(x, numbers, AllPixels(design), quantiser=EntropyBudget(design, 2 * bits)).y
        kept.append(float((made * signal).mean() ** 2 / made.square().mean()) / whole)
        assert float(((made - x) * (x - x.mean((2, 3), keepdim=True))).mean()) == pytest.approx(0, abs=1e-4)
    assert kept == sorted(kept)
    # eta of entropy-coded uniform quantisers at 0.5, 1 and 2 bits, less what learning the code and the header costs.
    assert kept[1:4] == pytest.approx([0.381, 0.651, 0.910], abs=0.06)


def test_code_length_is_that_of_the_sequential_coder() -> None:
    """Krichevsky-Trofimov: symbol j next with probability (c_j + 1/2) / (k + m/2), symbol after symbol."""
    row = torch.randint(0, 5, (300,), generator=torch.Generator().manual_seed(1))
    counts, bits = torch.zeros(int(row.max()) + 1), 0.0
    for symbol in row:
        bits -= math.log2(float((counts[symbol] + 0.5) / (counts.sum() + len(counts) / 2)))
        counts[symbol] += 1
    assert float(code_length_bits(row[None])) == pytest.approx(bits, rel=1e-6)


@pytest.mark.parametrize("baseline", [FourierCrop, AllPixels])
def test_in_tables_they_go_by_the_name_of_what_they_replace(baseline: type) -> None:
    ours = baseline(DESIGN)
    for name in ("domain", "family", "block_size", "symmetric", "compression_nominal"):
        assert getattr(ours, name) == getattr(DESIGN, name)


def test_numbers_as_they_are_cost_what_is_stated() -> None:
    exact = acquire(images(2), NUMBERS[:2], DESIGN, quantiser=Identity(8))
    assert torch.equal(exact.y, exact.operator(images(2)))
    assert exact.bits.tolist() == exact.operator.measurement_bits(8).tolist() * 2
    assert not bool(exact.noise_std.any())
