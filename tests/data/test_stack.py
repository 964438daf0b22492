"""From STAR and stacks to STAR and stack; indexing; views."""

from pathlib import Path

import mrcfile
import numpy as np
import pandas as pd
import pytest
import starfile
import torch

from cryosense.data import Compose, FourierCrop, ParticleDataError, ParticleStack, StackWriter, write_star

RELION_31 = """
# version 30001

data_optics

loop_
_rlnOpticsGroupName #1
_rlnOpticsGroup #2
_rlnVoltage #3
_rlnImagePixelSize #4
_rlnImageSize #5
_rlnSphericalAberration #6
krios 1 300.000000 1.350000 8 2.700000
talos 2 200.000000 {second_pixel_size} 8 2.700000


# version 30001

data_particles

loop_
_rlnImageName #1
_rlnMicrographName #2
_rlnOpticsGroup #3
_rlnAngleRot #4
_rlnOriginXAngst #5
_labNote #6
_labGroup #7
_rlnOriginX #8
000003@Extract/one.mrcs mic1.mrc 1 12.345678 -1.620000 "by hand" 007 1.5
000001@Extract/two.mrcs mic2.mrc 2 -170.000001 0.000001 auto 011 -3.0
000001@Extract/one.mrcs mic1.mrc 1 0.000000 3.000000 auto 007 0.0
000002@Extract/two.mrcs mic9.mrc 2 1e-05 4.500000 auto 123 0.25
"""


@pytest.fixture
def project(tmp_path: Path, write_stack, noise) -> tuple[Path, np.ndarray]:
    """A STAR file some levels below the project's folder, and the images in the order of its rows."""
    one, two = noise(1, 3, 8, 8), noise(2, 2, 8, 8)
    write_stack("project/Extract/one.mrcs", one, 1.0)
    write_stack("project/Extract/two.mrcs", two.astype(np.float16), 1.0)
    folder = tmp_path / "project" / "Select" / "job7"
    folder.mkdir(parents=True)
    (folder / "particles.star").write_text(RELION_31.format(second_pixel_size="1.350000"))
    return folder / "particles.star", np.stack([one[2], two.astype(np.float16)[0], one[0], two.astype(np.float16)[1]])


def copy(stack: ParticleStack, folder: Path) -> Path:
    """Stream a stack into a new stack and STAR file."""
    with StackWriter(folder / "out.mrcs", len(stack), stack.box_size, stack.pixel_size_angstrom) as writer:
        for indices, images in stack.chunks(3):
            writer.write(int(indices[0]), images)
        writer.finish()
    write_star(
        folder / "out.star",
        folder / "out.mrcs",
        stack.metadata,
        stack.optics,
        box_size=stack.box_size,
        pixel_size_angstrom=stack.pixel_size_angstrom,
    )
    return folder / "out.star"


def test_two_optics_groups_and_two_stacks_survive_the_round_trip(tmp_path: Path, project) -> None:
    path, images = project
    stack = ParticleStack.open(path)
    assert (len(stack), stack.box_size, stack.pixel_size_angstrom) == (4, 8, 1.35)
    out = copy(stack, tmp_path / "out")
    before, after = starfile.read(path), starfile.read(out)
    pd.testing.assert_frame_equal(after["optics"], before["optics"])
    pd.testing.assert_frame_equal(after["particles"].iloc[:, 1:6], before["particles"].iloc[:, 1:6])
    assert starfile.read(out, parse_as_string=["labGroup"])["particles"]["labGroup"].tolist() == ["007", "011", "007", "123"]
    assert after["particles"]["rlnImageName"].tolist() == [f"{i:06d}@out.mrcs" for i in (1, 2, 3, 4)]
    with mrcfile.open(out.with_suffix(".mrcs")) as written:
        np.testing.assert_array_equal(written.data, images)
        assert written.voxel_size.x == pytest.approx(1.35)
    again = ParticleStack.open(out)
    torch.testing.assert_close(again[:], stack[:], rtol=0, atol=0)
    pd.testing.assert_frame_equal(again.metadata.iloc[:, 1:], stack.metadata.iloc[:, 1:])


def test_fourier_crop_reaches_images_pixel_size_and_tables(tmp_path: Path, project) -> None:
    path, _ = project
    stack = ParticleStack.open(path).transformed(FourierCrop(4))
    assert (stack.box_size, stack.pixel_size_angstrom) == (4, 2.7)
    after, before = starfile.read(copy(stack, tmp_path / "out")), starfile.read(path)
    assert after["optics"]["rlnImagePixelSize"].tolist() == [2.7, 2.7]
    assert after["optics"]["rlnImageSize"].tolist() == [4, 4]
    assert after["particles"]["rlnOriginX"].tolist() == [0.75, -1.5, 0.0, 0.125]
    assert after["particles"]["rlnOriginXAngst"].tolist() == before["particles"]["rlnOriginXAngst"].tolist()
    assert stack.geometry.describe() == [{"geometry": "fourier_crop", "size": 4}]


def test_groups_of_different_scale_are_an_error_until_one_is_selected(project) -> None:
    path, _ = project
    path.write_text(RELION_31.format(second_pixel_size="1.1"))
    stack = ParticleStack.open(path)
    with pytest.raises(ParticleDataError, match=r"optics group 1: 1\.35 Angstrom, optics group 2: 1\.1 Angstrom"):
        _ = stack.pixel_size_angstrom
    assert stack.pixel_size_range_angstrom == (1.1, 1.35)
    assert stack.transformed(FourierCrop(4)).pixel_size_range_angstrom == pytest.approx((2.2, 2.7))
    assert stack.select([1, 3]).pixel_size_range_angstrom == (1.1, 1.1)
    assert stack.select([1, 3]).pixel_size_angstrom == 1.1
    assert stack.select([1, 3]).transformed(FourierCrop(4)).pixel_size_angstrom == pytest.approx(2.2)


def test_every_way_to_index_gives_the_same_images(project) -> None:
    path, images = project
    stack = ParticleStack.open(path)
    expected = torch.from_numpy(images)[:, None]
    order = [3, 0, 0, 2]
    for index in (order, np.array(order), torch.tensor(order), np.array(order, np.uint8)):
        torch.testing.assert_close(stack[index], expected[order], rtol=0, atol=0)
    torch.testing.assert_close(stack[1:], expected[1:], rtol=0, atol=0)
    torch.testing.assert_close(stack[-1], expected[3], rtol=0, atol=0)
    torch.testing.assert_close(stack[np.int64(2)], expected[2], rtol=0, atol=0)
    assert stack[[]].shape == (0, 1, 8, 8)
    assert sum(1 for _ in stack) == 4


@pytest.mark.parametrize(
    "index", [4, -5, [0, 4], torch.tensor([0, -5]), 1.0, [0.5], "0", [True, False], torch.zeros(1, 1).long()]
)
def test_bad_index(project, index) -> None:
    with pytest.raises(IndexError):
        ParticleStack.open(project[0])[index]


def test_chunks_cover_a_range_once_whatever_their_size(project) -> None:
    stack = ParticleStack.open(project[0])
    for size in (1, 2, 3, 10):
        chunks = list(stack.chunks(size, 1))
        assert torch.cat([indices for indices, _ in chunks]).tolist() == [1, 2, 3]
        torch.testing.assert_close(torch.cat([images for _, images in chunks]), stack[1:], rtol=0, atol=0)
    assert [indices.tolist() for indices, _ in stack.chunks(2, 0, 3)] == [[0, 1], [2]]
    with pytest.raises(ParticleDataError, match="at least one"):
        next(stack.chunks(0))


def test_select_is_a_view_of_images_and_rows(project) -> None:
    path, images = project
    part = ParticleStack.open(path).select(slice(1, 4)).select([2, 0])
    np.testing.assert_array_equal(part[:].numpy()[:, 0], images[[3, 1]])
    assert part.metadata["rlnMicrographName"].tolist() == ["mic9.mrc", "mic2.mrc"]
    assert part.metadata.index.tolist() == [0, 1]


def test_bare_stack_has_rows_without_columns(write_stack, noise) -> None:
    stack = ParticleStack.open(write_stack("a.mrcs", noise(0, 3, 8, 8), 1.5))
    assert stack.metadata.shape == (3, 0)
    assert stack.optics is None
    assert stack.pixel_size_angstrom == pytest.approx(1.5)
    assert ParticleStack.open(stack.path, pixel_size_angstrom=2.0).pixel_size_angstrom == 2.0
    assert stack.transformed(Compose([])).box_size == 8


def test_metadata_of_images_of_another_size_need_a_pixel_size(project, write_stack, noise) -> None:
    binned = write_stack("binned.mrcs", noise(0, 4, 4, 4))
    with pytest.raises(ParticleDataError, match="rlnImageSize 8, but the images have 4 px"):
        ParticleStack.open(binned, project[0])
    assert ParticleStack.open(binned, project[0], pixel_size_angstrom=2.7).metadata["labGroup"].tolist()[3] == "123"


def test_what_cannot_be_opened(tmp_path: Path, write_stack, noise) -> None:
    path = write_stack("a.mrcs", noise(0, 3, 8, 8))
    with pytest.raises(ParticleDataError, match=r"none\.mrcs: no such file"):
        ParticleStack.open(tmp_path / "none.mrcs")
    with pytest.raises(ParticleDataError, match="pixel_size_angstrom is -1"):
        ParticleStack.open(path, pixel_size_angstrom=-1)
    with pytest.raises(ParticleDataError, match="8 x 6 px are not square"):
        ParticleStack.open(write_stack("b.mrcs", noise(0, 3, 6, 8)))
    (tmp_path / "a.tif").write_text("")
    with pytest.raises(ParticleDataError, match=r"not from \.tif"):
        ParticleStack.open(tmp_path / "a.tif")


def test_real_particle_image(reference_data: Path) -> None:
    stack = ParticleStack.open(reference_data / "real" / "empiar10076_particle_128.pt")
    assert (len(stack), stack.box_size, stack.pixel_size_angstrom) == (1, 128, None)
    assert (float(stack[0].amin()), float(stack[0].amax())) == (0.0, 1.0)
