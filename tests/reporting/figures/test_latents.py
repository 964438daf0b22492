"""The picture of a comparison: no class of particles is left out, whatever the order of the stack."""

from pathlib import Path

import numpy as np
from PIL import Image

from cryosense.biology.matching import match_clusters
from cryosense.reporting.figures.latents import COLOURS, MOST_POINTS, draw_comparison, drawn_particles, plane
from cryosense.tasks.latents.runs import LatentRun


def test_a_part_of_a_periodic_stack_holds_every_class() -> None:
    shown = drawn_particles(26_000)
    assert len(np.unique(shown)) == MOST_POINTS
    shares = np.bincount(shown % 4) / MOST_POINTS
    # Draws without replacement of 20,000 from 26,000: a deviation of 0.0015.
    np.testing.assert_allclose(shares, 0.25, atol=5 * 0.0015)
    assert sorted(drawn_particles(7)) == list(range(7))


def test_both_embeddings_show_all_colours_of_the_first_run(tmp_path: Path) -> None:
    clusters = np.arange(800) % 4
    points = np.random.default_rng(0).standard_normal((800, 2)) + 9 * np.eye(4, 2)[clusters]
    first = LatentRun("first", points, clusters, clusters[:, None])
    other = LatentRun("other", points[:, :1], (clusters + 1) % 4, clusters[:, None])
    matchings = {"other": match_clusters(first.clusters, other.clusters)}
    draw_comparison(first, [other], matchings).savefig(tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as image:
        pixels = np.asarray(image.convert("RGB")).astype(float) / 255
    for panel in (pixels[:, : pixels.shape[1] // 3], pixels[:, pixels.shape[1] // 3 : 2 * pixels.shape[1] // 3]):
        for colour in COLOURS[:4, :3]:
            # Points of 60 % over white.
            faded = 1 - 0.6 * (1 - colour)
            assert (np.abs(panel - faded).max(-1) < 0.1).sum() > 20


def test_any_number_of_dimensions_in_a_plane() -> None:
    points = np.random.default_rng(0).standard_normal((50, 5)) * [9, 1, 1, 1, 5]
    assert abs(np.corrcoef(plane(points)[:, 0], points[:, 0])[0, 1]) > 0.95
    np.testing.assert_array_equal(plane(points[:, :2]), points[:, :2])
    np.testing.assert_array_equal(plane(points[:, :1])[:, 1], np.arange(50))
