"""The picture of directions: coloured where something is resolved, crossed where no view leads."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from cryosense.reporting.figures.anisotropy import draw_anisotropy
from cryosense.tasks.maps.anisotropy import Cones
from tests.tasks.balls import PIXEL, N, reconstruction


def pixels(path: Path, noise: float, views: torch.Tensor | None) -> np.ndarray:
    made = reconstruction(noise=noise)
    found = Cones(40, 30.0).assess(*made.halves, made.views if views is None else views, 8.0, PIXEL)
    draw_anisotropy(found, N, PIXEL).savefig(path)
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB")).astype(int)


def share_of_red(picture: np.ndarray) -> float:
    red, green, blue = np.moveaxis(picture[:, : picture.shape[1] // 2], -1, 0)
    return float(((red > green + 80) & (red > blue + 80)).mean())


def test_crosses_are_where_views_are_missing(tmp_path: Path) -> None:
    even = pixels(tmp_path / "even.png", 20.0, None)
    one = pixels(tmp_path / "one.png", 20.0, torch.tensor([[0.0, 0.0, 1.0]]))
    assert even.shape[1] > 1000
    assert share_of_red(even) < 1e-4
    assert share_of_red(one) > 1e-3
    saturation = even.max(-1) - even.min(-1)
    assert (saturation[:, : even.shape[1] // 2] > 60).mean() > 0.1


def test_nothing_resolved_in_any_direction(tmp_path: Path) -> None:
    picture = pixels(tmp_path / "noise.png", 1e6, None)
    assert picture.shape[1] > 1000
