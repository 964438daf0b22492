"""Maps: axes, corner and voxel of the header; files that lie about themselves take no memory."""

from pathlib import Path

import mrcfile
import numpy as np
import pytest

from cryosense.data import ParticleDataError
from cryosense.data.maps import read_map


def write(path: Path, data: np.ndarray, **fields: object) -> Path:
    with mrcfile.new(path, overwrite=True) as mrc:
        mrc.set_data(data)
        mrc.voxel_size = (1.5, 2.0, 2.5)
        for name, value in fields.items():
            setattr(mrc.header, name, value)
    return path


def test_header_is_followed(tmp_path: Path) -> None:
    data = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    plain = read_map(write(tmp_path / "a.mrc", data, nxstart=-2, nystart=-1, nzstart=3))
    np.testing.assert_array_equal(plain.values, data)
    assert plain.voxel_angstrom == (1.5, 2.0, 2.5)
    assert plain.corner_angstrom == (-3.0, -2.0, 7.5)
    assert plain.pixel_size_angstrom() is None
    with mrcfile.open(write(tmp_path / "b.mrc", data, nxstart=-2), "r+") as mrc:
        mrc.header.origin = (10.0, 0.0, -5.0)
    assert read_map(tmp_path / "b.mrc").corner_angstrom == (10.0, 0.0, -5.0)


def test_axes_in_any_order(tmp_path: Path) -> None:
    """Columns along z, rows along x, sections along y; the starts belong to columns, rows and sections."""
    data = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    turned = read_map(write(tmp_path / "a.mrc", data, mapc=3, mapr=1, maps=2, nxstart=1))
    np.testing.assert_array_equal(turned.values, np.transpose(data, (2, 0, 1)))
    assert turned.corner_angstrom == (0.0, 0.0, 2.5)
    unset = read_map(write(tmp_path / "b.mrc", data, mapc=0, mapr=0, maps=0))
    np.testing.assert_array_equal(unset.values, data)


def test_every_mode_reads_as_mrcfile_reads_it(tmp_path: Path) -> None:
    for dtype in ("i1", "i2", "f4", "u2", "f2"):
        data = np.arange(27).reshape(3, 3, 3).astype(dtype)
        np.testing.assert_array_equal(read_map(write(tmp_path / f"{dtype}.mrc", data)).values, data)


def test_what_is_no_map(tmp_path: Path) -> None:
    data = np.ones((2, 2, 2), np.float32)
    content = write(tmp_path / "good.mrc", data).read_bytes()
    # A header of one kilobyte that tells of 2^40 voxels; axes that are two; samples that are not finite.
    huge = np.array([2**20, 2**10, 2**10], "<i4").tobytes()
    cases = {
        "huge": (huge + content[12:1024], "truncated: the header states 1024 images"),
        "short": (content[:-1], "truncated"),
        "long": (content + b"\0", "header and file disagree"),
        "nan": (content[:1024] + np.full(8, np.nan, "<f4").tobytes(), "not finite"),
        "packed": (b"\x1f\x8b" + content[2:], "decompress"),
        "axes": (content[:64] + np.array([1, 1, 2], "<i4").tobytes() + content[76:], "not an order of the axes"),
    }
    for name, (changed, message) in cases.items():
        (tmp_path / f"{name}.mrc").write_bytes(changed)
        with pytest.raises(ParticleDataError, match=rf"{name}\.mrc: .*{message}"):
            read_map(tmp_path / f"{name}.mrc")
    with pytest.raises(ParticleDataError, match="no such map"):
        read_map(tmp_path / "absent.mrc")


@pytest.mark.parametrize("content", [b"\x89HDF\r\n\x1a\n", b"\n# version 50001\n\ndata_optics\n\nloop_\n"])
def test_a_file_of_another_kind_is_no_map(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "particles.star"
    path.write_bytes(content + 2000 * b" 1.0")
    with pytest.raises(ParticleDataError, match=r"particles\.star: not an MRC file"):
        read_map(path)
