"""NumPy and torch files: shapes, and files with code in them."""

import io
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from cryosense.data import ParticleDataError, ParticleStack
from cryosense.data.mapped import open_npy, open_pt


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
