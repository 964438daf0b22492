"""What a command says may be lost; what it makes is made."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = f"{sys.executable} -m cryosense"
# A wait before the command, in which whoever reads ends.
SIMULATE = (
    f"{COMMAND} simulate count=8 box_size=32 pixel_size_angstrom=7 density.resolution_angstrom=14 formats=[] output_dir=set"
)


@pytest.mark.parametrize("elsewhere", ["> >(exit) 2>&1; sleep 1", ">&- 2>&-", "<&- >&-", "2> /dev/full"])
def test_the_work_is_done_whoever_listens(tmp_path: Path, elsewhere: str) -> None:
    redirected, _, wait = elsewhere.partition("; ")
    line = f"exec {redirected}; {wait or ':'}; exec {SIMULATE}"
    done = subprocess.run(
        ["bash", "-c", line], cwd=tmp_path, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, check=False
    )
    assert done.returncode == 0
    assert b"Error" not in done.stderr
    assert (tmp_path / "set/done.json").is_file()


def test_words_for_which_there_is_no_room_are_missed() -> None:
    said = subprocess.run(["bash", "-c", f"{COMMAND} --help > /dev/full"], capture_output=True, text=True, check=False)
    assert said.returncode == 1
    assert said.stderr == "cryosense: what it says cannot be written: No space left on device\n"
