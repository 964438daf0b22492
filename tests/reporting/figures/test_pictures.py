"""The picture: what stands where, on one scale, and that it can be read."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from cryosense.reporting.figures.pictures import picture
from cryosense.reporting.tables.collect import collect
from cryosense.reporting.tables.examples import read_examples
from tests.tasks.runs import BOX, PIXEL, write_run, write_sweep


def drawn(directory: Path, most_operators: int = 8) -> Figure:
    collected = collect(directory)
    examples, without = read_examples(collected.runs, collected.rows)
    assert without == []
    return picture(examples, most_operators=most_operators)


def titles(figure: Figure, columns: int) -> list[list[str]]:
    names = [axes.get_title().split("\n")[0] for axes in figure.axes]
    return [names[i : i + columns] for i in range(0, len(names), columns)]


def test_one_row_of_images_and_one_of_errors_per_operator(tmp_path: Path) -> None:
    write_sweep(tmp_path)
    images = ["original, as measured", "clean", "measurement", "zero-filled", "pseudo-inverse", "total variation"]
    assert titles(drawn(tmp_path), 6) == [images, ["", "", "", *["error"] * 3]] * 2


def test_one_grey_scale_for_all_images_and_it_is_stated(tmp_path: Path) -> None:
    write_sweep(tmp_path)
    figure = drawn(tmp_path)
    scales = {
        axes.images[0].get_clim() for axes in figure.axes if axes.images and axes.get_title() not in {"measurement", "error"}
    }
    assert len(scales) == 1
    low, high = scales.pop()
    assert f"{low:.2f} (black) to {high:.2f} (white)" in figure.get_suptitle()
    errors = [axes.images[0] for axes in figure.axes if axes.get_title() == "error"]
    assert len({error.get_clim() for error in errors}) == 1
    collected = collect(tmp_path)
    example = read_examples(collected.runs, collected.rows)[0][0]
    assert any(
        np.array_equal(error.get_array(), example.images["reconstruction"] - example.images["clean"]) for error in errors
    )


def test_scores_below_the_method_are_those_of_the_image_shown(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", PIXEL, "pinv", kept=8)
    rows = collect(run).rows
    shown = rows[rows["particle"] == 2].iloc[0]
    title = drawn(tmp_path).axes[3].get_title()
    assert f"{shown['psnr']:.1f} dB" in title
    assert f"corr {shown['correlation_clean']:.2f}" in title
    assert "lpips" not in title


def test_of_several_weights_the_best_is_drawn(tmp_path: Path) -> None:
    for weight, kept in ((0.1, 8), (0.01, 20), (0.001, 12)):
        write_run(tmp_path / f"w{weight}", PIXEL, "dct", kept=kept, weight=weight)
    figure = drawn(tmp_path)
    assert [title for row in titles(figure, 4) for title in row].count("DCT") == 1
    [image] = [axes.images[0].get_array() for axes in figure.axes if axes.get_title().startswith("DCT")]
    with np.load(tmp_path / "w0.01" / "example.npz") as best:
        assert np.array_equal(image, best["reconstruction"])


def test_a_wide_sweep_is_cut_and_says_so_and_unknown_clean_images_have_no_column(tmp_path: Path) -> None:
    for number in range(3):
        operator = PIXEL | {"compression_nominal": 2.0 + number}
        write_run(tmp_path / f"c{number}", operator, "pinv", kept=8, clean_known=False)
    figure = drawn(tmp_path, most_operators=2)
    assert titles(figure, 3)[0] == ["original, as measured", "measurement", "pseudo-inverse"]
    assert len(figure.axes) == 2 * 2 * 3
    assert "The first 2 of 3 operators" in figure.get_suptitle()


def test_more_methods_than_a_page_is_wide_go_on_below_and_words_are_whole(tmp_path: Path) -> None:
    methods = ["zero_filled", "fourier_crop", "quantised", "pinv", "wiener", "dct", "tv"]
    for i, method in enumerate(methods):
        write_run(tmp_path / method, PIXEL, method, kept=8 + i)
    figure = drawn(tmp_path)
    assert len(figure.axes) == 4 * 8  # five methods beside the three images that all share, two below
    shown = [axes.get_title() for axes in figure.axes if axes.images and "error" not in axes.get_title()]
    assert len(shown) == 3 + len(methods)
    assert "lowest\nfrequencies" in shown[4] or "lowest frequencies" in shown[4]
    figure.draw_without_rendering()
    extents = [axes.title.get_window_extent() for axes in figure.axes if axes.get_title()]
    assert not any(a.overlaps(b) for i, a in enumerate(extents) for b in extents[:i])  # captions do not overprint


@pytest.mark.parametrize("damage", ["missing", "text", "other"])
def test_runs_without_a_usable_example_are_listed(damage: str, tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", PIXEL, "pinv", kept=8)
    (run / "example.npz").unlink()
    if damage == "text":
        (run / "example.npz").write_text("no archive")
    elif damage == "other":
        np.savez(run / "example.npz", particle=2, image=np.zeros((BOX, BOX), dtype=np.float32))
    examples, without = read_examples([run], collect(run).rows)
    assert examples == []
    assert without[0][0] == run
    with pytest.raises(ValueError, match="nothing to draw"):
        picture(examples, most_operators=8)
