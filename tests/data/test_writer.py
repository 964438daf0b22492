"""Stacks that are written piece by piece, by interrupted processes, and never over another."""

from pathlib import Path

import mrcfile
import numpy as np
import pytest
import torch

from cryosense.data import ParticleDataError, ParticleStack, StackWriter
from tests.full_disk import largest_file


def test_finished_stack_is_valid_and_holds_pixels_pixel_size_and_statistics(tmp_path: Path, noise) -> None:
    images = noise(0, 7, 1, 8, 8)
    with StackWriter(tmp_path / "out" / "a.mrcs", 7, 8, 1.7) as writer:
        writer.write(4, torch.from_numpy(images[4:]))
        writer.write(0, torch.from_numpy(images[:4]))
        writer.finish()
    with mrcfile.open(tmp_path / "out" / "a.mrcs") as file:
        assert file.is_image_stack()
        assert file.data.dtype == np.float32
        np.testing.assert_array_equal(file.data, images[:, 0])
        assert file.voxel_size.x == pytest.approx(1.7)
        statistics = [float(file.header[name]) for name in ("dmin", "dmax", "dmean", "rms")]
    np.testing.assert_allclose(statistics, [images.min(), images.max(), images.mean(), images.std()], rtol=1e-5)
    assert mrcfile.validate(tmp_path / "out" / "a.mrcs")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a.mrcs"]
    assert ParticleStack.open(tmp_path / "out" / "a.mrcs").pixel_size_angstrom == pytest.approx(1.7)


def test_interrupted_writing_goes_on_and_gives_the_same_file(tmp_path: Path, noise) -> None:
    images = torch.from_numpy(noise(1, 5, 1, 8, 8))
    with StackWriter(tmp_path / "whole.mrcs", 5, 8, 2.0) as writer:
        writer.write(0, images)
        writer.finish()
    with StackWriter(tmp_path / "a.mrcs", 5, 8, 2.0) as writer:
        writer.write(1, images[1:3])
    assert not (tmp_path / "a.mrcs").exists()
    with StackWriter(tmp_path / "a.mrcs", 5, 8, 2.0) as writer:
        assert writer.written.tolist() == [False, True, True, False, False]
        with pytest.raises(ParticleDataError, match="3 of 5 images were never written, the first is 0"):
            writer.finish()
        writer.write(0, images[:1])
        writer.write(3, images[3:])
        writer.finish()
    assert (tmp_path / "a.mrcs").read_bytes() == (tmp_path / "whole.mrcs").read_bytes()


def test_killed_anywhere_between_begin_and_finish(tmp_path: Path, noise) -> None:
    images = torch.from_numpy(noise(4, 3, 1, 8, 8))
    with StackWriter(tmp_path / "whole.mrcs", 3, 8, 2.0) as writer:
        writer.write(0, images)
        writer.finish()
    whole = (tmp_path / "whole.mrcs").read_bytes()
    with StackWriter(tmp_path / "a.mrcs", 3, 8, 2.0) as writer:
        writer.write(0, images)
    full = (tmp_path / "a.mrcs.partial").read_bytes()
    states = {
        "empty": (b"", 0),
        "header only": (full[:1024], 0),
        "statistics": (whole[:1024] + full[1024:], 3),
        "cut": (whole, 3),
    }
    for name, (content, written) in states.items():
        (tmp_path / f"{name}.mrcs.partial").write_bytes(content)
        with StackWriter(tmp_path / f"{name}.mrcs", 3, 8, 2.0) as writer:
            assert int(writer.written.sum()) == written, name
            writer.write(written, images[written:])
            writer.finish()
        assert (tmp_path / f"{name}.mrcs").read_bytes() == whole, name


def test_unfinished_file_cannot_be_taken_for_a_stack(tmp_path: Path, noise) -> None:
    with StackWriter(tmp_path / "a.mrcs", 3, 8, None) as writer:
        writer.write(0, torch.from_numpy(noise(2, 3, 1, 8, 8)))
    (tmp_path / "a.mrcs.partial").rename(tmp_path / "b.mrcs")
    with pytest.raises(ParticleDataError, match="header and file disagree"):
        ParticleStack.open(tmp_path / "b.mrcs")


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "a.mrcs").write_text("precious")
    with pytest.raises(ParticleDataError, match=r"a\.mrcs: exists"):
        StackWriter(tmp_path / "a.mrcs", 3, 8, 1.0)
    assert (tmp_path / "a.mrcs").read_text() == "precious"
    StackWriter(tmp_path / "b.mrcs", 3, 8, 1.0).__exit__(None, None, None)
    with pytest.raises(ParticleDataError, match=r"not 4 images of 8 px"):
        StackWriter(tmp_path / "b.mrcs", 4, 8, 1.0)


def test_full_disk_is_told_at_the_start_and_leaves_nothing(tmp_path: Path) -> None:
    with largest_file(4096), pytest.raises(ParticleDataError, match="no room for a stack of"):
        StackWriter(tmp_path / "a.mrcs", 1000, 8, 1.0)
    assert list(tmp_path.iterdir()) == []


def test_full_disk_in_the_middle_keeps_what_was_written(tmp_path: Path, noise) -> None:
    images = torch.from_numpy(noise(3, 100, 1, 8, 8))

    def fill_the_disk() -> None:
        with StackWriter(tmp_path / "a.mrcs", 100, 8, 1.0) as writer:
            writer.write(0, images[:8])
            with largest_file(4096):
                writer.write(8, images[8:])

    with pytest.raises(ParticleDataError, match="once there is room"):
        fill_the_disk()
    with StackWriter(tmp_path / "a.mrcs", 100, 8, 1.0) as writer:
        assert writer.written.tolist() == [True] * 8 + [False] * 92
        writer.write(8, images[8:])
        writer.finish()
    torch.testing.assert_close(ParticleStack.open(tmp_path / "a.mrcs")[:], images, rtol=0, atol=0)


def test_images_that_do_not_belong(tmp_path: Path) -> None:
    with StackWriter(tmp_path / "a.mrcs", 3, 8, 1.0) as writer:
        with pytest.raises(ParticleDataError, match="shape"):
            writer.write(0, torch.zeros(1, 1, 8, 6))
        for start in (-1, 3):
            with pytest.raises(ParticleDataError, match="outside a stack of 3"):
                writer.write(start, torch.zeros(1, 1, 8, 8))
        spoilt = torch.zeros(2, 1, 8, 8)
        spoilt[1, 0, 3, 3] = torch.inf
        with pytest.raises(ParticleDataError, match="image 2 holds values that are not finite"):
            writer.write(1, spoilt)
        assert not writer.written.any()
