"""A file of measurements that there is no room for."""

from pathlib import Path

import numpy as np
import pytest

from cryosense.cli.refusal import is_explained
from cryosense.measurement.file.container import write_container
from cryosense.measurement.file.pieces import Pieces
from tests.full_disk import largest_file


@pytest.mark.parametrize("missing", [1, 500, 4000, 19_000, 21_000, 40_000])
def test_no_room_is_told_as_that_wherever_writing_stops(tmp_path: Path, missing: int) -> None:
    arrays = {"a": np.arange(16_000, dtype="u1"), "b": np.arange(4_000, dtype="u1")}
    write_container(tmp_path / "whole", arrays, [b"x" * 20_000], 20_000)
    whole = (tmp_path / "whole").read_bytes()
    assert missing < len(whole)
    with largest_file(len(whole) - missing), pytest.raises(OSError) as told:  # noqa: PT011 - what it says is the system's
        write_container(tmp_path / "short", arrays, [b"x" * 20_000], 20_000)
    assert is_explained(told.value)
    assert not list(tmp_path.glob("*short*"))
    write_container(tmp_path / "short", arrays, [b"x" * 20_000], 20_000)
    assert (tmp_path / "short").read_bytes() == whole


def test_pieces_are_read_as_a_file_of_them_is(tmp_path: Path) -> None:
    pieces = Pieces()
    for offset, data in ((4, b"abcd"), (20, b"x" * 8), (6, b"--"), (0, b"12")):
        pieces.seek(offset)
        pieces.write(data)
    pieces.truncate(40)
    pieces.write_to(tmp_path / "file")
    content = (tmp_path / "file").read_bytes()
    assert content == b"12\0\0ab--".ljust(20, b"\0") + (b"x" * 8).ljust(20, b"\0")
    for start in range(45):
        pieces.seek(start)
        assert pieces.read(7) == content[start : start + 7]
