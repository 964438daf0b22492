"""Scale bars are as long as they say."""

import pytest
from matplotlib.figure import Figure

from cryosense.reporting.style import scale_bar


@pytest.mark.parametrize(
    ("side", "pixel_size", "words", "pixels"),
    [
        (100, 3.0, "50 Å", 50 / 3),
        (64, 3.5, "50 Å", 50 / 3.5),
        (32, None, "5 px", 5),
        (400, 0.9, "50 Å", 50 / 0.9),
        (8, 0.1, "0.2 Å", 2),
    ],
)
def test_a_bar_is_as_long_as_it_says(side: int, pixel_size: float | None, words: str, pixels: float) -> None:
    axes = Figure().subplots()
    scale_bar(axes, side, pixel_size)
    for line in axes.lines:
        start, end = line.get_xdata()
        assert end - start == pytest.approx(pixels)
        assert 0 < end < side / 3
        assert line.get_ydata()[0] > 0.85 * side  # below, where rows are counted downwards
    assert axes.texts[0].get_text() == words
