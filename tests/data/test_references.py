"""From image names to files: where they are looked for, and what an error says."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cryosense.data import ParticleDataError, ParticleStack
from cryosense.data.references import find_file, images_by_reference


def star(path: Path, names: list[str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("data_\n\nloop_\n_rlnImageName #1\n_rlnClassNumber #2\n" + "".join(f"{name} 1\n" for name in names))
    return path


def test_root_comes_before_the_tables_folder_and_those_above(tmp_path: Path) -> None:
    source = star(tmp_path / "project" / "job" / "p.star", [])
    places = [tmp_path / "elsewhere", source.parent, tmp_path / "project"]
    for place in places:
        (place / "Extract").mkdir(parents=True)
        (place / "Extract" / "a.mrcs").write_text("")
    for place, root in zip(places, [places[0], None, None], strict=True):
        found, _ = find_file("Extract/a.mrcs", source, root)
        assert found == place / "Extract" / "a.mrcs"
        found.unlink()


def test_missing_stack_names_row_file_and_every_place_tried(tmp_path: Path, write_stack, noise) -> None:
    write_stack("p/a.mrcs", noise(0, 2, 8, 8))
    path = star(tmp_path / "p" / "p.star", ["1@a.mrcs", "1@sub/gone.mrcs"])
    with pytest.raises(ParticleDataError, match=r"p\.star: row 2 asks for the stack sub/gone\.mrcs") as caught:
        ParticleStack.open(path, root=tmp_path / "r")
    for place in (tmp_path / "r", tmp_path / "p", tmp_path):
        assert str(place / "sub" / "gone.mrcs") in str(caught.value)


def test_image_past_the_end_names_row_file_and_count(tmp_path: Path, write_stack, noise) -> None:
    write_stack("a.mrcs", noise(0, 2, 8, 8))
    path = star(tmp_path / "p.star", ["000002@a.mrcs", "000003@a.mrcs", "000009@a.mrcs"])
    with pytest.raises(ParticleDataError, match=r"row 2 asks for image 3 of .*a\.mrcs, which holds 2 \(2 rows in all"):
        ParticleStack.open(path)


@pytest.mark.parametrize("name", ["0@a.mrcs", "x@", "@a.mrcs", "-1@a.mrcs"])
def test_names_that_are_not_understood(tmp_path: Path, write_stack, noise, name) -> None:
    write_stack("a.mrcs", noise(0, 2, 8, 8))
    with pytest.raises(ParticleDataError, match="row 1"):
        images_by_reference(pd.Series([name]), tmp_path / "p.star", None)


def test_name_without_a_number_is_a_file_of_one_image(tmp_path: Path, write_stack, noise) -> None:
    image = noise(3, 8, 8)
    write_stack("single.mrc", image)
    path = star(tmp_path / "p.star", ["single.mrc", "single.mrc"])
    np.testing.assert_array_equal(ParticleStack.open(path)[1].numpy()[0], image)


def test_name_without_a_number_of_a_file_of_several(tmp_path: Path, write_stack, noise) -> None:
    write_stack("tilts.mrcs", noise(3, 5, 8, 8))
    path = star(tmp_path / "p.star", ["2@tilts.mrcs", "tilts.mrcs"])
    with pytest.raises(ParticleDataError, match=r"row 2 names .*tilts\.mrcs, which holds 5 images, without a number"):
        ParticleStack.open(path)
    with pytest.raises(ParticleDataError, match=r"row 2 names .*tilts\.mrcs, which holds 5 images, without a number"):
        ParticleStack.open(tmp_path / "tilts.mrcs", path)


def test_sub_tomograms_are_told_by_their_optics_group(tmp_path: Path, write_stack, noise) -> None:
    write_stack("a.mrcs", noise(3, 5, 8, 8))
    optics = "data_optics\nloop_\n_rlnOpticsGroup\n_rlnImageDimensionality\n1 2\n2 3\n"
    for group in (1, 2):
        rows = f"data_particles\nloop_\n_rlnImageName\n_rlnOpticsGroup\n1@a.mrcs {group}\n"
        (tmp_path / f"{group}.star").write_text(optics + rows)
    assert len(ParticleStack.open(tmp_path / "1.star")) == 1
    with pytest.raises(ParticleDataError, match=r"2\.star: rlnImageDimensionality is 3: sub-tomograms are not read"):
        ParticleStack.open(tmp_path / "2.star")


def test_stacks_of_different_boxes(tmp_path: Path, write_stack, noise) -> None:
    write_stack("a.mrcs", noise(0, 2, 8, 8))
    write_stack("b.mrcs", noise(0, 2, 6, 6))
    with pytest.raises(ParticleDataError, match=r"b\.mrcs: images of 6 px, but .*a\.mrcs has 8 px"):
        ParticleStack.open(star(tmp_path / "p.star", ["1@a.mrcs", "1@b.mrcs"]))


def test_rows_beside_a_stack(tmp_path: Path, write_stack, noise) -> None:
    images = noise(0, 3, 8, 8)
    path = write_stack("a.mrcs", images)
    by_number = ParticleStack.open(path, star(tmp_path / "own.star", ["3@a.mrcs", "1@a.mrcs"]))
    np.testing.assert_array_equal(by_number[:].numpy()[:, 0], images[[2, 0]])
    moved = ParticleStack.open(path, star(tmp_path / "moved.star", ["2@gone/a.mrcs"]))
    np.testing.assert_array_equal(moved[:].numpy()[:, 0], images[[1]])
    joined = ParticleStack.open(path, star(tmp_path / "joined.star", ["7@x.mrcs", "9@y.mrcs", "1@z.mrcs"]))
    np.testing.assert_array_equal(joined[:].numpy()[:, 0], images)
    with pytest.raises(ParticleDataError, match="2 rows for the 3 images"):
        ParticleStack.open(path, star(tmp_path / "few.star", ["7@x.mrcs", "9@y.mrcs"]))
    with pytest.raises(ParticleDataError, match=r"others in y\.mrcs"):
        ParticleStack.open(path, star(tmp_path / "mixed.star", ["1@a.mrcs", "9@y.mrcs"]))


def test_a_number_that_no_image_can_have(tmp_path: Path) -> None:
    names = pd.Series(["99999999999999999999@a.mrcs"])
    with pytest.raises(ParticleDataError, match="row 1: rlnImageName"):
        images_by_reference(names, tmp_path / "a.star", None)


@pytest.mark.parametrize("name", ["a" * 5000 + ".mrcs", "a\0b.mrcs"])
def test_names_that_no_file_can_have(tmp_path: Path, name: str) -> None:
    assert find_file(name, tmp_path / "a.star", None)[0] is None
