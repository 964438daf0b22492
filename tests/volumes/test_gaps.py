"""Gaps beside the origin of a padded transform, filled with what stood there before they were made."""

import pytest
import torch

from cryosense import fourier
from cryosense.volumes.gaps import fill_gaps


@pytest.mark.parametrize(("n", "pad_factor"), [(12, 2), (13, 2), (10, 3)])
def test_what_was_taken_away_comes_back(n: int, pad_factor: int) -> None:
    m = pad_factor * n
    volume = torch.rand(n, n, n, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    before = m // 2 - n // 2
    padded = torch.nn.functional.pad(volume, (before, m - n - before) * 3)
    spectrum = fourier.half_space(padded)
    shift = torch.arange(m) - m // 2
    squared = shift[:, None, None] ** 2 + shift[:, None] ** 2 + torch.arange(m // 2 + 1) ** 2
    spoiled = torch.where((squared > 0) & (squared < pad_factor**2), 0.6 * spectrum, spectrum)
    inside = (slice(before, before + n),) * 3
    cut_out = fourier.from_half_space(spoiled, m)[inside]
    assert float((cut_out - volume).abs().max()) > 0.05
    middle = spoiled[m // 2 - pad_factor + 1 : m // 2 + pad_factor, :, :pad_factor]
    torch.testing.assert_close(fill_gaps(cut_out, middle, m, pad_factor), volume)


def test_without_padding_there_are_no_gaps() -> None:
    volume = torch.ones(8, 8, 8, dtype=torch.float64)
    assert fill_gaps(volume, fourier.half_space(volume)[4:5, :, :1], 8, 1) is volume
