"""NumPy and torch files: shapes, files with code in them, and files that change while they are read."""

import io
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from cryosense.data import ParticleDataError, ParticleStack
from cryosense.data.image_files import open_npy, open_pt


class Trap:
    """Writes a file when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, ...]:
        return Path.write_text, (self.marker, "code ran")


@pytest.mark.parametrize("shape", [(3, 6, 6), (3, 1, 6, 6), (1, 6, 6), (6, 6)])
def test_shapes(tmp_path: Path, noise, shape) -> None:
    images = noise(0, *shape)
    np.save(tmp_path / "a.npy", images.astype(np.float64))
    torch.save(torch.from_numpy(images), tmp_path / "a.pt")
    flat = images.reshape(-1, 6, 6)
    for file in (open_npy(tmp_path / "a.npy"), open_pt(tmp_path / "a.pt")):
        assert file.count == len(flat)
        last = file.read(np.array([len(flat) - 1]))
        assert last.dtype == np.float32
        np.testing.assert_array_equal(last, flat[-1:])


def test_tensor_in_the_old_format(tmp_path: Path, noise) -> None:
    images = noise(1, 3, 6, 6)
    torch.save(torch.from_numpy(images), tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    np.testing.assert_array_equal(ParticleStack.open(tmp_path / "old.pt")[1:].numpy()[:, 0], images[1:])


@pytest.mark.parametrize("zipped", [True, False])
def test_code_in_a_pt_file_is_refused_and_never_runs(tmp_path: Path, zipped) -> None:
    marker = tmp_path / "marker"
    torch.save({"x": Trap(marker)}, tmp_path / "trap.pt", _use_new_zipfile_serialization=zipped)
    with pytest.raises(ParticleDataError, match=r"trap\.pt"):
        ParticleStack.open(tmp_path / "trap.pt")
    assert not marker.exists()


def test_code_in_an_npy_file_is_refused_and_never_runs(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    np.save(tmp_path / "trap.npy", np.array([Trap(marker)], dtype=object), allow_pickle=True)
    with pytest.raises(ParticleDataError, match=r"trap\.npy"):
        ParticleStack.open(tmp_path / "trap.npy")
    assert not marker.exists()


def test_what_is_no_stack(tmp_path: Path) -> None:
    torch.save({"weights": torch.zeros(2, 4, 4)}, tmp_path / "dict.pt")
    torch.save(torch.zeros(2, 3, 4, 4), tmp_path / "channels.pt")
    torch.save(torch.zeros(2, 4, 4, dtype=torch.complex64), tmp_path / "complex.pt")
    (tmp_path / "noise.pt").write_bytes(pickle.dumps("text")[:-1])
    for name, message in (("dict", "a dict"), ("channels", "shape"), ("complex", "complex64"), ("noise", "damaged")):
        with pytest.raises(ParticleDataError, match=message):
            open_pt(tmp_path / f"{name}.pt")


def test_truncated_or_swollen_npy(tmp_path: Path, noise) -> None:
    buffer = io.BytesIO()
    np.save(buffer, noise(2, 4, 8, 8))
    for content in (buffer.getvalue()[:-10], buffer.getvalue() + b"\0"):
        (tmp_path / "bad.npy").write_bytes(content)
        with pytest.raises(ParticleDataError, match=r"bad\.npy: the header states 1152 bytes"):
            open_npy(tmp_path / "bad.npy")


def test_tensors_that_are_not_there(tmp_path: Path) -> None:
    """One number that stands for 2^34, a tensor without memory, contents that are compressed (torch never does)."""
    torch.save(torch.zeros(1).as_strided((2**30, 4, 4), (0, 0, 0)), tmp_path / "one.pt")
    torch.save(torch.empty(3, 4, 4, device="meta"), tmp_path / "meta.pt")
    torch.save(torch.zeros(2**16, 4, 4), tmp_path / "stored.pt")
    with (
        zipfile.ZipFile(tmp_path / "stored.pt") as old,
        zipfile.ZipFile(tmp_path / "packed.pt", "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for info in old.infolist():
            new.writestr(info.filename, old.read(info))
    for name, message in (("one", "but holds fewer"), ("meta", "but holds fewer"), ("packed", "compressed")):
        with pytest.raises(ParticleDataError, match=rf"{name}\.pt: .*{message}"):
            open_pt(tmp_path / f"{name}.pt")


@pytest.mark.parametrize("dtype", ["<f4", ">f4", "<i2", ">f2", "u1"])
def test_images_come_in_any_order_and_as_often_as_asked_for(tmp_path: Path, dtype: str) -> None:
    images = np.random.default_rng(0).integers(0, 200, (9, 4, 4)).astype(dtype)
    np.save(tmp_path / "a.npy", images)
    file = open_npy(tmp_path / "a.npy")
    for numbers in ([0, 1, 2, 3, 4, 5, 6, 7, 8], [8, 7, 0, 1, 2, 2, 2, 5], [4], []):
        read = file.read(np.array(numbers, np.int64))
        assert read.dtype == np.float32
        np.testing.assert_array_equal(read, images[numbers].astype(np.float32))


def test_a_file_that_changes_after_it_was_opened(tmp_path: Path, noise) -> None:
    """Copied anew, swept away, on a disk that fails: an error of one line, where a map of the file would kill the process."""
    path = tmp_path / "particles.npy"
    np.save(path, noise(0, 9, 64, 64))
    stack = ParticleStack.open(path)
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - 2 * 64 * 64 * 4 - 1)
    assert len(stack[:6]) == 6
    with pytest.raises(ParticleDataError, match=r"particles\.npy: ends before image 7, .*same command again"):
        stack[4:9]
    path.unlink()
    with pytest.raises(ParticleDataError, match=r"particles\.npy: cannot be read any more \(No such file"):
        stack[0]
