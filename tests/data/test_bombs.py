"""Small files that would take much memory or time, and what is no file: refused by name within 300 MB and ten seconds."""

import io
import os
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import mrcfile
import numpy as np
import pytest
import torch

from cryosense.data import ParticleStack
from cryosense.data.latents import read_classes, read_coordinate, read_latents
from cryosense.data.maps import read_map
from tests.bounds import bounded

ENORMOUS = 2**40


def sparse(path: Path, header: bytes, size: int = ENORMOUS) -> None:
    path.write_bytes(header)
    os.truncate(path, len(header) + size)


def npy_header(shape: tuple[int, ...], dtype: object = "<f4") -> bytes:
    buffer = io.BytesIO()
    described = {"descr": np.lib.format.dtype_to_descr(np.dtype(dtype)), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_2_0(buffer, described)
    return buffer.getvalue()


def mrc_header(path: Path, side: int, sections: int) -> bytes:
    with mrcfile.new(path, np.zeros((1, 4, 4), np.float32), overwrite=True):
        pass
    header = bytearray(path.read_bytes()[:1024])
    header[:12] = struct.pack("<3i", side, side, sections)
    return bytes(header)


def zipped_pt(path: Path, pickled: bytes) -> None:
    torch.save(torch.zeros(1, 8, 8), path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            archive.writestr(name, pickled if name.endswith("data.pkl") else content)


def shared(path: Path) -> None:
    """Ten thousand names for one array of a megabyte."""
    path.write_bytes(pickle.dumps([np.zeros(10**6, np.int8)] * 2000, protocol=2))


def encoded_again(path: Path) -> None:
    """A text of a megabyte that is to be encoded thousands of times, as protocol 2 makes bytes."""
    text = b"X" + struct.pack("<I", 10**6) + b"a" * 10**6 + b"q\x00"
    encode = b"c_codecs\nencode\nq\x010"
    again = b"h\x01h\x00X\x06\x00\x00\x00latin1\x86R"
    path.write_bytes(b"\x80\x02(" + text + b"0" + encode + again * 1500 + b"t.")


def cs(path: Path, field: tuple, rows: int) -> None:
    path.write_bytes(npy_header((rows,), [("uid", "<u8"), field]) + b"\0" * (rows * (8 + np.dtype(field[1]).itemsize)))


def wide(path: Path) -> None:
    path.write_text(",".join(f"c{i}" for i in range(2_000_000)) + "\n" + ",".join("1" * 2_000_000) + "\n")


LISTS = b"\x80\x02" + b"]" * 6_000_000 + b"."
BYTEARRAY = b"\x80\x02cbuiltins\nbytearray\nJ\x00\x00\x00\x40\x85R."
FILES: dict[str, tuple[str, Callable[[Path], object]]] = {
    "one enormous image, npy": ("a.npy", lambda path: sparse(path, npy_header((1, 2**19, 2**19)))),
    "one enormous image, mrcs": ("a.mrcs", lambda path: sparse(path, mrc_header(path, 2**19, 1))),
    "one image too large, npy": ("a.npy", lambda path: sparse(path, npy_header((1, 8193, 8193), "i1"), 8193**2)),
    "a stack of holes, npy": ("a.npy", lambda path: sparse(path, npy_header((2**26, 64, 64)))),
    "a stack of holes, mrcs": ("a.mrcs", lambda path: sparse(path, mrc_header(path, 64, 2**26))),
    "a map of holes": ("a.mrc", lambda path: sparse(path, mrc_header(path, 4096, 4096), 4 * 4096**3)),
    "a bytearray, pt": ("a.pt", lambda path: zipped_pt(path, BYTEARRAY)),
    "many lists, pt": ("a.pt", lambda path: zipped_pt(path, LISTS)),
    "many lists, old pt": ("a.pt", lambda path: path.write_bytes(LISTS)),
    "a bytearray, old pt": ("a.pt", lambda path: path.write_bytes(BYTEARRAY)),
    "shared arrays": ("z.1.pkl", shared),
    "text encoded again": ("z.1.pkl", encoded_again),
    "a pickle of holes": ("z.1.pkl", lambda path: sparse(path, b"\x80\x04\x8e" + (2**40).to_bytes(8, "little"))),
    "latents of holes": ("z.npy", lambda path: sparse(path, npy_header((2**34, 16)))),
    "classes of holes": ("c.npy", lambda path: sparse(path, npy_header((2**38,)))),
    "a wide table": ("c.csv", wide),
    "a table of holes": ("c.csv", lambda path: sparse(path, b"state\n")),
    "a text field of 4 MB, cs": ("a.cs", lambda path: cs(path, ("blob/path", "S4000000"), 5)),
    "indices that are no numbers, cs": ("a.cs", lambda path: cs(path, ("blob/idx", "<f4"), 5)),
    "particles of holes, cs": (
        "a.cs",
        lambda path: sparse(path, npy_header((2**34,), [("uid", "<u8"), ("blob/path", "S56")])),
    ),
}


def load(path: Path) -> object:
    """The file by every loader that takes its suffix."""
    if path.stem == "c":
        return read_classes(path, "state" if path.suffix == ".csv" else None)
    if path.stem.startswith("z"):
        return read_latents(path)
    if path.suffix == ".mrc":
        return read_map(path)
    stack = ParticleStack.open(path)
    return stack[0]


@pytest.mark.parametrize("name", FILES)
def test_few_bytes_take_little_and_are_named(name: str, tmp_path: Path) -> None:
    file, make = FILES[name]
    make(tmp_path / file)
    outcome = bounded(lambda: load(tmp_path / file))
    assert outcome.error is not None
    kind, _, words = outcome.error.partition(": ")
    assert kind in {"ParticleDataError", "UntrustedFileError"}, outcome.error
    assert file in words
    assert len(words) < 500
    assert "\n" not in words
    assert "Memory" not in words


@pytest.mark.parametrize("file", ["a.npy", "a.pt", "a.mrcs", "a.star", "a.cs", "z.1.pkl", "z.npy", "c.npy", "c.csv"])
def test_pipes_are_not_waited_for(file: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / file)
    outcome = bounded(lambda: load(tmp_path / file))
    assert outcome.error is not None
    assert file in outcome.error


def test_what_required_a_gradient_is_read_as_its_numbers(tmp_path: Path) -> None:
    images = torch.rand(3, 8, 8, generator=torch.Generator().manual_seed(0))
    for name, saved in (("tensor.pt", images.clone().requires_grad_()), ("parameter.pt", torch.nn.Parameter(images))):
        torch.save(saved, tmp_path / name)
        stack = ParticleStack.open(tmp_path / name)
        torch.testing.assert_close(stack[:][:, 0], images)
        assert not stack[:].requires_grad


def test_known_values_of_a_wide_but_real_table_are_read(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text(
        ",".join(f"c{i}" for i in range(900)) + "\n" + "\n".join(["1," * 899 + "2", "3," * 899 + "4"])
    )
    assert read_coordinate(tmp_path / "c.csv", "c899").tolist() == [2.0, 4.0]
