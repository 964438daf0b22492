"""Arrays come out of pickles of any age; code does not run."""

import pickle
from pathlib import Path

import numpy as np
import pytest

from cryosense.data import ParticleDataError
from cryosense.files.pickles import load_arrays


class Trap:
    """Writes a file when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, ...]:
        return Path.write_text, (self.marker, "code ran")


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_arrays_of_every_protocol(tmp_path: Path, noise, protocol) -> None:
    rotations, translations = noise(0, 2, 3, 3), noise(1, 2, 2)
    path = tmp_path / "poses.pkl"
    path.write_bytes(pickle.dumps((rotations, translations), protocol=protocol))
    loaded = load_arrays(path)
    np.testing.assert_array_equal(loaded[0], rotations)
    np.testing.assert_array_equal(loaded[1], translations)


def test_arrays_of_numpy_1(tmp_path: Path, noise) -> None:
    array = noise(2, 4, 9)
    path = tmp_path / "ctf.pkl"
    path.write_bytes(pickle.dumps(array, protocol=2).replace(b"numpy._core.", b"numpy.core."))
    np.testing.assert_array_equal(load_arrays(path)[0], array)


@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_code_is_refused_and_never_runs(tmp_path: Path, protocol) -> None:
    marker, path = tmp_path / "marker", tmp_path / "trap.pkl"
    path.write_bytes(pickle.dumps((np.zeros((2, 3, 3)), Trap(marker)), protocol=protocol))
    with pytest.raises(ParticleDataError, match=r"trap\.pkl: .* refused"):
        load_arrays(path)
    assert not marker.exists()


def test_other_ways_in(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    hostile = {
        "a dotted name": b"\x80\x04\x8c\x05numpy\x8c\x0endarray.tofile\x93.",
        "builtins": b"cbuiltins\neval\n(S'open(%r, \"w\")'\ntR." % str(marker).encode(),
        "another codec": b"c_codecs\nencode\n(Vx\nVrot13\ntR.",
        "cut off": pickle.dumps(np.zeros(3))[:-9],
    }
    for name, content in hostile.items():
        (tmp_path / "trap.pkl").write_bytes(content)
        with pytest.raises(ParticleDataError, match="refused"):
            load_arrays(tmp_path / "trap.pkl")
        assert not marker.exists(), name


def test_small_file_with_a_huge_array(tmp_path: Path) -> None:
    (tmp_path / "bomb.pkl").write_bytes(b"cnumpy\nndarray\n((I8589934592\ntVu1\ntR.")
    with pytest.raises(ParticleDataError, match="refused"):
        load_arrays(tmp_path / "bomb.pkl")


def test_state_that_would_corrupt_memory_is_not_passed_on(tmp_path: Path) -> None:
    """A float64 type whose flags claim that its bytes are references to objects."""
    hostile = pickle.dumps(np.arange(4.0), protocol=2)
    assert hostile.count(b"J\xff\xff\xff\xffK\x00t") == 1
    (tmp_path / "a.pkl").write_bytes(hostile.replace(b"J\xff\xff\xff\xffK\x00t", b"J\xff\xff\xff\xffK\x3ft"))
    np.testing.assert_array_equal(load_arrays(tmp_path / "a.pkl")[0], np.arange(4.0))


def test_objects_and_text_are_no_arrays(tmp_path: Path) -> None:
    for content in ("text", np.array(["text"]), [np.zeros(3), None]):
        (tmp_path / "a.pkl").write_bytes(pickle.dumps(content))
        with pytest.raises(ParticleDataError, match="not a pickle of plain arrays of numbers"):
            load_arrays(tmp_path / "a.pkl")


@pytest.mark.parametrize(
    "content",
    [
        b"\x80\x02]r" + (2**31 - 1).to_bytes(4, "little") + b".",  # 34 GB for the number that a list is kept under
        b"\x80\x02]p2147483647\n.",
        b"\x80\x02" + b"]" * 10**6 + b"a" * (10**6 - 1) + b".",  # a million lists in each other
        b"\x80\x04\x8e" + (2**40).to_bytes(8, "little") + b".",
    ],
)
def test_few_bytes_that_ask_for_much(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bomb.pkl").write_bytes(content)
    with pytest.raises(ParticleDataError, match=r"bomb\.pkl: .*refused"):
        load_arrays(tmp_path / "bomb.pkl")
