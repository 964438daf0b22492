"""JSON and archives as they should be, and made to fill the memory or the stack."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from cryosense.files.limits import read_json
from cryosense.files.untrusted import UntrustedFileError, read_npz


def test_json(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"a": [1, 2.5, null]}', encoding="utf-8")
    assert read_json(path) == {"a": [1, 2.5, None]}
    cases = {"[" * 10**6: "", "[1]": "holds list", '{"a": 1': "", "": "", '{"a":' + "9" * 10**4 + "}": ""}
    for content, message in cases.items():
        path.write_text(content)
        with pytest.raises(UntrustedFileError, match=rf"a\.json: .*{message}"):
            read_json(path)
    path.write_bytes(b'{"a": "\xff"}')
    with pytest.raises(UntrustedFileError, match=r"a\.json"):
        read_json(path)
    with pytest.raises(UntrustedFileError, match=r"none\.json"):
        read_json(tmp_path / "none.json")


def test_arrays_come_out_as_they_went_in(tmp_path: Path) -> None:
    arrays = {
        "a": np.arange(6.0).reshape(2, 3),
        "b": np.asfortranarray(np.arange(6, dtype=">i2").reshape(3, 2)),
        "c": np.array(7),
    }
    for save in (np.savez, np.savez_compressed):
        save(tmp_path / "a.npz", **arrays)
        found = read_npz(tmp_path / "a.npz", ["a", "b", "c", "not there"])
        assert found.keys() == arrays.keys()
        for name, array in arrays.items():
            np.testing.assert_array_equal(found[name], array)


def header(descr: str, shape: tuple[int, ...]) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": descr, "fortran_order": False, "shape": shape})
    return buffer.getvalue()


def test_archives_that_are_not_what_they_say(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez_compressed(path, a=np.zeros(2**22))  # 32 MiB in 33 kB
    with pytest.raises(UntrustedFileError, match=r"a\.npz: would take 33554"):
        read_npz(path, ["a"])
    for content in (
        header("<f8", (2**40,)),
        header("<f8", (2**62, 4, 4)),
        header("|O", (1,)),
        b"",
        b"\x93NUMPY\x01\x00\xff\xff(",
    ):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a.npy", content)
        with pytest.raises(UntrustedFileError, match=r"a\.npz: not a readable"):
            read_npz(path, ["a"])
    path.write_bytes(b"PK\x03\x04 no archive")
    with pytest.raises(UntrustedFileError, match=r"a\.npz"):
        read_npz(path, ["a"])
