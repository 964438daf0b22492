"""Every mode and byte order that real stacks use; files that lie about themselves."""

from pathlib import Path

import mrcfile
import numpy as np
import pytest
from mrcfile.dtypes import HEADER_DTYPE

from cryosense.data import ParticleDataError, ParticleStack
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


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"cella": (10.0, 0.0, 0.0)}, None),
        ({"cella": (0.0, 10.0, 0.0)}, None),
        ({"cella": (10.0, np.nan, 1.0)}, None),
        ({"mx": 0}, None),
        ({"cella": (10.0, 10.0, 0.0)}, 1.25),
    ],
)
def test_what_a_header_does_not_know_is_unknown(tmp_path: Path, noise, fields, expected) -> None:
    written, path = header(), tmp_path / "a.mrcs"
    for name, value in fields.items():
        written[name] = value
    path.write_bytes(written.tobytes() + noise(0, 3, 8, 8).tobytes())
    assert open_mrc(path).pixel_size_angstrom == expected


def test_pixels_that_are_not_square_matter_only_where_they_are_asked_for(tmp_path: Path, noise) -> None:
    written, path = header(), tmp_path / "a.mrcs"
    written["cella"] = (10.0, 12.0, 1.0)
    path.write_bytes(written.tobytes() + noise(0, 3, 8, 8).tobytes())
    assert ParticleStack.open(path, pixel_size_angstrom=1.3).pixel_size_angstrom == 1.3
    with pytest.raises(ParticleDataError, match=r"a\.mrcs: pixels of 1\.2500 x 1\.5000 Angstrom are not square"):
        _ = ParticleStack.open(path).pixel_size_angstrom


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    ("flags", "highest", "expected"),
    [(0, 0, 200), (1, 0, -56), (None, 0, -56), (None, 255, 200)],
    ids=["unsigned", "signed", "MRC2014", "values above 127"],
)
def test_bytes_have_the_sign_that_the_header_tells(tmp_path: Path, order, flags, highest, expected) -> None:
    written, path = header(order, mode=0, stamp=0x44 if order == "<" else 0x11), tmp_path / "a.mrcs"
    written["dmax"] = highest
    content = bytearray(written.tobytes())
    if flags is not None:
        content[152:160] = np.array([1146047817, flags], f"{order}i4").tobytes()
    path.write_bytes(bytes(content) + bytes([200]) * 192)
    assert (open_mrc(path).read(np.array([1])) == expected).all()
    content[152:160] = np.array([1146047817, 16], f"{order}i4").tobytes()
    path.write_bytes(bytes(content) + bytes([200]) * 192)
    with pytest.raises(ParticleDataError, match="two 4-bit values"):
        open_mrc(path)


def test_rows_along_y_come_transposed_and_sections_along_y_not_at_all(tmp_path: Path, noise) -> None:
    written, path, images = header(), tmp_path / "a.mrcs", noise(0, 3, 8, 8)
    written["mapc"], written["mapr"], written["maps"] = 2, 1, 3
    path.write_bytes(written.tobytes() + images.tobytes())
    np.testing.assert_array_equal(open_mrc(path).read(np.array([2, 0])), images[[2, 0]].swapaxes(1, 2))
    written["mapc"], written["mapr"], written["maps"] = 1, 3, 2
    path.write_bytes(written.tobytes() + images.tobytes())
    with pytest.raises(ParticleDataError, match="sections along y"):
        open_mrc(path)


def test_volumes_are_not_particles(tmp_path: Path, noise) -> None:
    """A cube in space group 1, unless each section is asked for by number; a stack of volumes in no case."""
    path, images = tmp_path / "a.mrc", noise(0, 8, 8, 8)
    for group, message in ((1, "a volume, not particle images"), (401, "a stack of volumes")):
        written = header(count=8)
        written["ispg"] = group
        path.write_bytes(written.tobytes() + images.tobytes())
        with pytest.raises(ParticleDataError, match=message):
            ParticleStack.open(path)
    written["ispg"] = 1
    path.write_bytes(written.tobytes() + images.tobytes())
    (tmp_path / "p.star").write_text("data_\nloop_\n_rlnImageName\n3@a.mrc\n1@a.mrc\n")
    np.testing.assert_array_equal(ParticleStack.open(tmp_path / "p.star")[:].numpy()[:, 0], images[[2, 0]])


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
    with pytest.raises(ParticleDataError, match="truncated: the header states 2147483647 images"):
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
