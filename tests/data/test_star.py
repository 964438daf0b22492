"""STAR files come out with every value they came in with."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import starfile
import torch

from cryosense.data import ParticleDataError, ParticleStack, StackWriter, write_star
from cryosense.data.star import read_star
from cryosense.data.tables import typed

RELION_30 = """
data_images

loop_
_rlnImageName #1
_rlnMagnification #2
_rlnDetectorPixelSize #3
_rlnOriginX #4
_rlnGroupName #5
000002@a.mrcs 50000.000000 7.000000 -1.500000 007
000001@a.mrcs 50000.000000 7.000000 0.250000 010
"""


def test_values_are_not_touched(tmp_path: Path) -> None:
    rows = pd.DataFrame(
        {
            "rlnImageName": ["000001@a.mrcs", "000002@a.mrcs"],
            "rlnGroupName": ["007", "12"],
            "rlnMicrographName": ["mic one.mrc", "mic2.mrc"],
            "rlnDefocusU": [12345.678901234, 1e-7],
            "labOwnColumn": [1, -3],
            "ucsfUid": ["12345678901234567890123", "1"],
        }
    )
    optics = pd.DataFrame({"rlnOpticsGroup": [1], "rlnImagePixelSize": [1.0123456789], "rlnImageSize": [8]})
    write_star(tmp_path / "a.star", tmp_path / "x.mrcs", rows, optics, box_size=8, pixel_size_angstrom=1.01234568)
    again, optics_again = read_star(tmp_path / "a.star")
    expected = rows.assign(rlnImageName=["000001@x.mrcs", "000002@x.mrcs"], rlnOpticsGroup=1)
    pd.testing.assert_frame_equal(typed(again), expected, check_dtype=False)
    pd.testing.assert_frame_equal(typed(optics_again), optics, check_dtype=False)


def test_text_that_looks_like_numbers_stays_as_it_is(tmp_path: Path) -> None:
    rows = "1@a.mrcs 1.1 1e3 0.10\n2@a.mrcs 1.10 1000 0.1\n"
    content = f"data_\nloop_\n_rlnImageName\n_rlnMicrographName\n_rlnGroupName\n_labDose\n{rows}"
    (tmp_path / "a.star").write_text(content)
    table, _ = read_star(tmp_path / "a.star")
    write_star(tmp_path / "b.star", tmp_path / "a.mrcs", table, None, box_size=8, pixel_size_angstrom=None)
    again, _ = read_star(tmp_path / "b.star")
    pd.testing.assert_frame_equal(again.iloc[:, 1:], table.iloc[:, 1:])
    assert again["rlnMicrographName"].tolist() == ["1.1", "1.10"]
    assert again["labDose"].tolist() == ["0.10", "0.1"]
    assert typed(again)["rlnMicrographName"].tolist() == ["1.1", "1.10"]
    assert typed(again)["labDose"].tolist() == [0.1, 0.1]


def test_one_optics_group_is_everybodys(tmp_path: Path) -> None:
    optics = "data_optics\nloop_\n_rlnOpticsGroup\n_rlnVoltage\n{}\n"
    particles = "data_particles\nloop_\n_rlnImageName\n_rlnClassNumber\n1@a.mrcs 1\n2@a.mrcs 2\n"
    (tmp_path / "one.star").write_text(optics.format("3 300") + particles)
    table, _ = read_star(tmp_path / "one.star")
    assert table["rlnOpticsGroup"].tolist() == ["3", "3"]
    (tmp_path / "two.star").write_text(optics.format("3 300\n4 200") + particles)
    table, _ = read_star(tmp_path / "two.star")
    assert "rlnOpticsGroup" not in table.columns


def test_relion_30_keeps_its_single_table_and_its_magnification(tmp_path: Path) -> None:
    (tmp_path / "old.star").write_text(RELION_30)
    table, optics = read_star(tmp_path / "old.star")
    assert optics is None
    assert table["rlnGroupName"].tolist() == ["007", "010"]
    write_star(tmp_path / "same.star", tmp_path / "b.mrcs", table, None, box_size=8, pixel_size_angstrom=1.4)
    same = starfile.read(tmp_path / "same.star")
    pd.testing.assert_frame_equal(same.drop(columns="rlnImageName"), starfile.read(tmp_path / "old.star").iloc[:, 1:])
    write_star(tmp_path / "half.star", tmp_path / "b.mrcs", table, None, box_size=4, pixel_size_angstrom=2.8)
    half = starfile.read(tmp_path / "half.star")
    assert half["rlnImageName"].tolist() == ["000001@b.mrcs", "000002@b.mrcs"]
    assert half["rlnDetectorPixelSize"].tolist() == [14.0, 14.0]
    assert half["rlnMagnification"].tolist() == [50000.0, 50000.0]
    bare = table.drop(columns=["rlnMagnification", "rlnDetectorPixelSize"])
    write_star(tmp_path / "bare.star", tmp_path / "b.mrcs", bare, None, box_size=8, pixel_size_angstrom=2.8)
    written = starfile.read(tmp_path / "bare.star")
    np.testing.assert_allclose(1e4 * written["rlnDetectorPixelSize"] / written["rlnMagnification"], 2.8)


def test_without_metadata_only_what_is_known(tmp_path: Path) -> None:
    nothing = pd.DataFrame(index=range(2))
    write_star(tmp_path / "s" / "a.star", tmp_path / "a.mrcs", nothing, None, box_size=8, pixel_size_angstrom=1.5)
    blocks = starfile.read(tmp_path / "s" / "a.star", always_dict=True)
    assert blocks["particles"]["rlnImageName"].tolist() == ["000001@../a.mrcs", "000002@../a.mrcs"]
    assert blocks["optics"]["rlnImagePixelSize"].tolist() == [1.5]
    assert "rlnVoltage" not in blocks["optics"].columns


def test_only_groups_that_have_particles_change_their_size(tmp_path: Path) -> None:
    particles = pd.DataFrame({"rlnImageName": ["x", "y"], "rlnOpticsGroup": [2, 2]})
    optics = pd.DataFrame({"rlnOpticsGroup": [1, 2], "rlnImagePixelSize": [1.0, 1.1], "rlnImageSize": [256, 128]})
    write_star(tmp_path / "a.star", tmp_path / "a.mrcs", particles, optics, box_size=64, pixel_size_angstrom=2.2)
    written = starfile.read(tmp_path / "a.star")["optics"]
    assert written["rlnImagePixelSize"].tolist() == [1.0, 2.2]
    assert written["rlnImageSize"].tolist() == [256, 64]


def test_writing_again_is_harmless_but_never_overwrites(tmp_path: Path) -> None:
    path, rows = tmp_path / "a.star", pd.DataFrame({"rlnClassNumber": [1, 2]})
    write_star(path, tmp_path / "a.mrcs", rows, None, box_size=8, pixel_size_angstrom=None)
    before = path.read_text()
    write_star(path, tmp_path / "a.mrcs", rows, None, box_size=8, pixel_size_angstrom=None)
    with pytest.raises(ParticleDataError, match="other content"):
        write_star(path, tmp_path / "a.mrcs", rows + 1, None, box_size=8, pixel_size_angstrom=None)
    assert path.read_text() == before


def test_missing_values_stay_missing(tmp_path: Path) -> None:
    rows = pd.DataFrame({"rlnDefocusU": [np.nan, 2.0], "rlnGroupName": ["a", np.nan]})
    write_star(tmp_path / "a.star", tmp_path / "a.mrcs", rows, None, box_size=8, pixel_size_angstrom=None)
    again, _ = read_star(tmp_path / "a.star")
    assert again["rlnGroupName"].tolist() == ["a", "nan"]
    assert typed(again)["rlnDefocusU"].isna().tolist() == [True, False]


def test_what_is_no_particle_star(tmp_path: Path) -> None:
    contents = {
        "empty": b"",
        "text": b"hello world\n",
        "binary": bytes(range(256)) * 4,
        "model": b"data_model\n\n_rlnPixelSize 1.0\n",
        "two": b"data_a\nloop_\n_rlnImageName\n1@a.mrcs\ndata_b\nloop_\n_rlnImageName\n1@a.mrcs\n",
        "ragged": b"data_\n\nloop_\n_rlnImageName #1\n1@a.mrcs\n2@a.mrcs 3 4 5\n",
    }
    for name, content in contents.items():
        path = tmp_path / f"{name}.star"
        path.write_bytes(content)
        with pytest.raises(ParticleDataError, match=name):
            read_star(path)


@pytest.mark.parametrize(
    "content",
    [
        "".join(f"data_{i}\n\n_a 1\n\n" for i in range(501)),
        "data_particles\n\nloop_\n" + "".join(f"_c{i}\n" for i in range(1001)) + "1 " * 1001,
    ],
)
def test_more_than_could_be_read_in_time(tmp_path: Path, content: str) -> None:
    (tmp_path / "many.star").write_text(content)
    with pytest.raises(ParticleDataError, match=r"many\.star: more than 500 blocks or 1000 columns"):
        read_star(tmp_path / "many.star")


def test_a_column_that_is_there_twice(tmp_path: Path) -> None:
    (tmp_path / "twice.star").write_text("data_\n\nloop_\n_rlnImageName #1\n_rlnDefocusU #2\n_rlnDefocusU #3\n1@a.mrcs 2 3\n")
    with pytest.raises(ParticleDataError, match=r"twice\.star: data_ has the column _rlnDefocusU twice"):
        read_star(tmp_path / "twice.star")


def test_images_are_named_from_the_project_that_the_file_lies_in(tmp_path: Path) -> None:
    """From a folder around the file; outside of it from its own, so that it can be moved with its images."""
    rows = pd.DataFrame({"rlnImageName": ["x"], "rlnOpticsGroup": [1]})
    project = tmp_path / "project"
    for place, root, name in (
        (project / "outputs" / "run", project, "000001@outputs/run/a.mrcs"),
        (tmp_path / "elsewhere", project, "000001@a.mrcs"),
        (project, project, "000001@a.mrcs"),
        (project / "other", project / "outputs", "000001@a.mrcs"),
    ):
        path = place / f"{root.name}.star"
        write_star(path, place / "a.mrcs", rows, None, box_size=8, pixel_size_angstrom=None, root=root)
        assert starfile.read(path)["rlnImageName"].tolist() == [name]


def test_the_one_stack_of_a_table_is_found_beside_it_when_both_have_moved(tmp_path: Path) -> None:
    run, moved = tmp_path / "project" / "outputs" / "run", tmp_path / "moved"
    images = {name: torch.full((1, 1, 8, 8), value) for name, value in (("a", 1.0), ("b", 2.0))}
    for name, image in images.items():
        with StackWriter(run / f"{name}.mrcs", 1, 8, 2.0) as writer:
            writer.write(0, image)
            writer.finish()
    rows = pd.DataFrame({"rlnImageName": ["x"], "rlnOpticsGroup": [1]})
    project = tmp_path / "project"
    write_star(run / "one.star", run / "a.mrcs", rows, None, box_size=8, pixel_size_angstrom=2.0, root=project)
    two = [f"1@outputs/run/{name}.mrcs" for name in images]
    both = pd.concat([rows, rows], ignore_index=True)
    write_star(run / "two.star", two, both, None, box_size=8, pixel_size_angstrom=2.0)
    assert len(ParticleStack.open(run / "two.star")) == 2
    run.rename(moved)
    assert torch.equal(ParticleStack.open(moved / "one.star")[0], images["a"][0])
    again = Path(shutil.copytree(moved, run))  # a copy that is changed is another data set; what is of another size is no copy
    with StackWriter(moved / "c.mrcs", 1, 8, 2.0) as writer:
        writer.write(0, images["b"])
        writer.finish()
    (moved / "c.mrcs").replace(moved / "a.mrcs")
    inside = Path(shutil.copytree(moved, project / "copied"))
    assert torch.equal(ParticleStack.open(inside / "one.star")[0], images["b"][0])
    assert torch.equal(ParticleStack.open(again / "one.star")[0], images["a"][0])
    with StackWriter(inside / "d.mrcs", 2, 8, 2.0) as writer:
        writer.write(0, torch.zeros(2, 1, 8, 8))
        writer.finish()
    (inside / "d.mrcs").replace(inside / "a.mrcs")
    assert torch.equal(ParticleStack.open(inside / "one.star")[0], images["a"][0])
    with pytest.raises(ParticleDataError, match="say where its paths begin"):  # of several stacks nothing is guessed
        ParticleStack.open(moved / "two.star")
