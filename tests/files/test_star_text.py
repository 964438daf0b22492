"""What a STAR file says is read as it stands there, written as it was read, or refused in one line."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cryosense.errors import ParticleDataError
from cryosense.files.star_text import read_blocks
from tests.files.star_files import Said, drawn, said, same, written
from tests.fuzz.mutations import apply
from tests.fuzz.mutations import drawn as mutations


def read(path: Path, content: bytes) -> dict[str, Said]:
    path.write_bytes(content)
    return said(read_blocks(path))


def check(path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    content, meant = drawn(rng)
    assert same(read(path, content), meant)
    assert same(read(path, written(path)), meant)
    try:
        spoiled = read(path, apply(content, mutations(rng)))
    except ParticleDataError:
        return
    assert same(read(path, written(path)), spoiled)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**40))
def test_files_come_back_value_for_value(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    check(tmp_path_factory.getbasetemp() / "a.star", seed)


@pytest.mark.slow
def test_ten_thousand_files_come_back_value_for_value(tmp_path: Path) -> None:
    for seed in range(10_000):
        check(tmp_path / "a.star", seed)


def test_reading_is_linear_in_lines_that_are_no_rows(tmp_path: Path) -> None:
    """Empty lines and comments between rows, a hundred loops, a thousand labels: 15 MB in the time of a few."""
    for between in ("\n", "# a comment\n"):
        (tmp_path / "a.star").write_text(LOOP + f"1 2 3\n{between}" * 300_000)
        assert read_blocks(tmp_path / "a.star")[""].rows == 300_000
    loops = "".join(f"data_{i}\nloop_\n_a\n_b\n" + "1 2\n" * 1000 for i in range(400))
    (tmp_path / "a.star").write_text(loops + "data_wide\nloop_\n" + "".join(f"_{i}\n" for i in range(1000)) + "1 " * 1000)
    assert sum(block.rows for block in read_blocks(tmp_path / "a.star").values()) == 400_001


LABELS = b"".join(b"_%d\n" % i for i in range(1000))
LOOP = "data_\nloop_\n_a\n_b\n_c\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("data_x\n_a 1\ndata_y\n_a 1\ndata_x\n_a 2\n", "line 5: data_x is in the file twice"),
        (LOOP + "1 2 3\n4 5\n", r"line 7: row 2 of data_ has 2 of 3 values"),
        (LOOP + "1 2 3\n4 5 6 7\n", r"line 7: row 2 of data_ has 4 of 3 values"),
        (LOOP + "1 2 #3\n", r"line 6: row 1 of data_ has 2 of 3 values"),
        (LOOP + "9\n1 2 3\n", r"line 6: row 1 of data_ has 1 of 3 values"),
        (LOOP + "1 2 '3\n", "line 6: a quote is not closed"),
        (LOOP + "1 2 3\nloop_\n_d\n", "line 7: data_ has a loop and something else"),
        (LOOP + "1 2 3\n_d 4\n", "line 7: '_d' and 1 more"),
        (LOOP + ";1\n2 3\n;\n", "line 6: text in semicolons"),
        ("data_\n_a\n", "line 2: '_a' and 0 more"),
        ("data_\n_a 1 2\n", "line 2: '_a' and 2 more"),
        ("data_\n_a 1\n_a 2\n", "data_ has the column _a twice"),
        ("# a comment\nhello world\n", r"line 2: 'hello' is before the first block"),
        (LOOP + "1 2 3\x00\n", "line 1 or one soon after holds control characters"),
        (LOOP + "1 2 3\r4 5 6\n", "line 1 or one soon after holds control characters"),
        (LOOP.encode() + b"1 2 \xff\n", "line 6: or a line soon after: not UTF-8"),
        (LOOP + "x" * 2**20 + "x 2 3\n", "line 1 or one soon after has more than 1048576 bytes"),
    ],
)
def test_what_is_refused(tmp_path: Path, content: str | bytes, message: str) -> None:
    (tmp_path / "a.star").write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ParticleDataError, match=rf"a\.star: {message}"):
        read_blocks(tmp_path / "a.star")


def test_rows_over_several_portions(tmp_path: Path) -> None:
    rows = "".join(f"{i}@stack.mrcs {i} {i / 7}\n" for i in range(100_000))
    (tmp_path / "a.star").write_text(LOOP + rows + "\n")
    table = read_blocks(tmp_path / "a.star")[""].table()
    assert table["b"].tolist() == [str(i) for i in range(100_000)]
    (tmp_path / "a.star").write_text(LOOP + rows + "1 2\n")
    with pytest.raises(ParticleDataError, match=r"line 100006: row 100001 of data_ has 2 of 3 values"):
        read_blocks(tmp_path / "a.star")


HOSTILE: dict[str, Callable[[BinaryIO], object]] = {
    "line": lambda file: file.write(b"data_" + b"x" * 2**30),
    "row": lambda file: file.write(b"data_\nloop_\n_a\n_b\n" + b"1 " * 2**29),
    "loop": lambda file: file.write(b"data_\nloop_\n_a\n_b\n" + b"1 2\n" * 2**25),
    "size": lambda file: file.truncate(2**33),
    "labels": lambda file: file.write(b"data_\nloop_\n" + b"".join(b"_%d\n" % i for i in range(10**6))),
    "values": lambda file: file.write(b"data_\nloop_\n" + LABELS + (b"1 " * 1000 + b"\n") * 300_000),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused_before_they_take_memory(tmp_path: Path, name: str) -> None:
    """In a process of its own: 300 MB beyond the libraries and ten seconds of its time are enough to refuse each."""
    path = tmp_path / "a.star"
    with path.open("wb") as file:
        HOSTILE[name](file)
    script = (
        "import resource, sys, time; from pathlib import Path; from cryosense.files.star_text import *\n"
        "before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()\n"
        "try: read_blocks(Path(sys.argv[1]))\n"
        "except ParticleDataError as error: print(str(error)[:200])\n"
        "else: raise SystemExit('accepted')\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, time.process_time() - began)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    kilobytes, seconds = done.stdout.splitlines()[-1].split()
    assert int(kilobytes) < 300_000
    assert float(seconds) < 10
