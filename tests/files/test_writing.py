"""Files that appear whole or not at all, and errors that name them."""

import errno
from pathlib import Path

import pytest

from cryosense.files.writing import write_text, written_whole
from tests.full_disk import largest_file


def test_a_full_disk_names_the_file_and_keeps_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    write_text(path, "before")
    with largest_file(1000), pytest.raises(OSError, match="too large") as told:
        write_text(path, "x" * 10000)
    assert (told.value.errno, told.value.filename) == (errno.EFBIG, str(path))
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_of_another_file_stays_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as told, written_whole(tmp_path / "a.csv"):
        (tmp_path / "b.csv").read_text()
    assert told.value.filename in (tmp_path / "b.csv", str(tmp_path / "b.csv"))
