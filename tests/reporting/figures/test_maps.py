"""The figure of a map shows its sections and curves."""

from pathlib import Path

import numpy as np
from PIL import Image

from cryosense.reporting.figures.maps import draw_map
from tests.tasks.assessments import assessment
from tests.tasks.balls import PIXEL, reconstruction


def test_sections_are_drawn(tmp_path: Path) -> None:
    made = reconstruction()
    found = assessment().judge(made)
    figure = draw_map(found.table, found.resolutions, made.full_map, found.mask, PIXEL, "a ball")
    figure.savefig(tmp_path / "fsc.png")
    with Image.open(tmp_path / "fsc.png") as picture:
        pixels = np.asarray(picture.convert("L"))
    # Sections below, a ball in the middle one of them: neither empty nor black.
    assert pixels.shape[1] > 1000
    assert 0.05 < (pixels < 128).mean() < 0.9
