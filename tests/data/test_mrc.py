"""Every mode and byte order that real stacks use; files that lie about themselves."""

from pathlib import Path

import mrcfile
import numpy as np
import pytest
from mrcfile.dtypes import HEADER_DTYPE

from cryosense.data import ParticleDataError
from cryosense.data.mrc import open_mrc


def header(order: str = "<", *, n: int = 8, count: int = 3, mode: int = 2, stamp: int = 0x44) -> np.ndarray:
    fields = np.zeros((), HEADER_DTYPE.newbyteorder(order))
    fields["nx"] = fields["ny"] = fields["mx"] = fields["my"] = n
    fields["nz"], fields["mz"], fields["mode"], fields["map"] = count, 1, mode, b"MAP "
    fields["cella"] = (n * 1.25, n * 1.25, 1.25)
    fields["machst"] = (stamp, stamp, 0, 0)
    return fields


@pytest.mark.parametrize(("dtype", "mode"), [("i1", 0), ("i2", 1), ("f4", 2), ("u2", 6), ("f2", 12)])
def test_every_mode_reads_as_mrcfile_reads_it(write_stack, dtype, mode) -> None:
    images = (np.random.default_rng(mode).uniform(0, 100, (4, 6, 6))).astype(dtype)
    path = write_stack("stack.mrcs", images, 1.37)
    file = open_mrc(path)
    with mrcfile.open(path, header_only=True) as reference:
        assert int(reference.header.mode) == mode
    assert file.pixel_size_angstrom == pytest.approx(1.37)
    np.testing.assert_array_equal(file.read(np.array([3, 0])), images[[3, 0]].astype(np.float32))


@pytest.mark.parametrize("stamp", [0x11, 0x00])
def test_other_byte_order_with_and_without_machine_stamp(tmp_path: Path, noise, stamp) -> None:
    images = noise(0, 3, 8, 8)
    path = tmp_path / "big.mrcs"
    path.write_bytes(header(">", stamp=stamp).tobytes() + images.astype(">f4").tobytes())
    file = open_mrc(path)
    assert file.pixel_size_angstrom == 1.25
    np.testing.assert_array_equal(file.read(np.arange(3)), images)


def test_extended_header_is_skipped(tmp_path: Path, noise) -> None:
    images, fields = noise(1, 3, 8, 8), header()
    fields["nsymbt"] = 160
    path = tmp_path / "extended.mrcs"
    path.write_bytes(fields.tobytes() + b"\x07" * 160 + images.tobytes())
    np.testing.assert_array_equal(open_mrc(path).read(np.array([2])), images[[2]])


def test_truncated_file_says_how_many_images_are_left(write_stack, noise) -> None:
    path = write_stack("cut.mrcs", noise(2, 5, 8, 8))
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(ParticleDataError, match=r"cut\.mrcs: truncated: .* 5 images .* enough for 3 images"):
        open_mrc(path)


def test_longer_file_than_the_header_tells(write_stack, noise) -> None:
    path = write_stack("long.mrcs", noise(3, 5, 8, 8))
    path.write_bytes(path.read_bytes() + b"\0" * 256)
    with pytest.raises(ParticleDataError, match=r"long\.mrcs: header and file disagree"):
        open_mrc(path)


def test_huge_claim_is_refused_without_taking_memory(tmp_path: Path) -> None:
    path = tmp_path / "huge.mrcs"
    path.write_bytes(header(n=2**20, count=2**31 - 1).tobytes() + b"\0" * 64)
    with pytest.raises(ParticleDataError, match="truncated: the header tells of 2147483647 images"):
        open_mrc(path)


def test_stack_larger_than_memory_opens_and_reads_one_image(tmp_path: Path, noise) -> None:
    n, count, image = 512, 100_000, noise(4, 512, 512)
    path = tmp_path / "sparse.mrcs"
    with path.open("wb") as file:
        file.write(header(n=n, count=count).tobytes())
        file.seek(1024 + 77_777 * 4 * n * n)
        file.write(image.tobytes())
        file.truncate(1024 + count * 4 * n * n)
    np.testing.assert_array_equal(open_mrc(path).read(np.array([77_777]))[0], image)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x1f\x8b" + b"\0" * 2000, "decompress"),
        (b"\0" * 100, "fewer than an MRC header"),
        (b"\0" * 3000, "not an MRC stack"),
        (header(mode=4).tobytes() + b"\0" * 1536, "mode 4"),
        (header(mode=99).tobytes() + b"\0" * 768, "mode 99"),
    ],
)
def test_what_is_no_stack_of_real_images(tmp_path: Path, content, message) -> None:
    path = tmp_path / "bad.mrcs"
    path.write_bytes(content)
    with pytest.raises(ParticleDataError, match=message):
        open_mrc(path)
