"""A verb that is stopped says so in one line, and the same command goes on."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cryosense.cli.conf_dir import conf_dir
from cryosense.cli.main import GOING_ON
from cryosense.cli.stopping import stoppable

SMALL = ["box_size=32", "pixel_size_angstrom=7", "density.resolution_angstrom=14", "output_dir=set", "chunk_size=1"]
COMMAND = [sys.executable, "-m", "cryosense", "simulate", *SMALL]


@pytest.mark.parametrize(("sent", "status", "name"), [(signal.SIGINT, 130, "Ctrl-C"), (signal.SIGTERM, 143, "SIGTERM")])
def test_the_command_is_stopped_and_goes_on(tmp_path: Path, sent: signal.Signals, status: int, name: str) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen([*COMMAND, "count=100000"], cwd=tmp_path, env=environment, stderr=subprocess.PIPE)
    until = time.monotonic() + 100
    while process.poll() is None and time.monotonic() < until and not list(tmp_path.glob("set/*")):
        time.sleep(0.05)
    process.send_signal(sent)
    said = process.communicate(timeout=60)[1].decode()  # as it is: in text mode a bar's \r would end a line
    assert process.returncode == status
    assert "Traceback" not in said
    # One line; the bar before it ends no line, and is gone.
    assert said.count("\n") == 1
    assert said.rpartition("\r")[2] == f"cryosense simulate: stopped by {name}; the same command goes on from what is done\n"


def test_verbs_that_work_in_shares_go_on() -> None:
    """What is kept for other processes, and in portions, is there for the same one too."""
    shared = {path.stem for path in conf_dir().glob("*.yaml") if "\nshard:" in path.read_text(encoding="utf-8")}
    assert {"measure", "align"} <= shared <= GOING_ON


def test_a_worker_ends_without_a_word() -> None:
    with stoppable("verb", "again"):
        worker = os.fork()
        if not worker:
            time.sleep(60)
            os._exit(1)
        time.sleep(0.2)
        os.kill(worker, signal.SIGTERM)
        assert os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1]) == -signal.SIGTERM


def test_whatever_becomes_of_the_signal(capsys: pytest.CaptureFixture[str]) -> None:
    before = signal.getsignal(signal.SIGINT)

    def answer_as_some_libraries_do() -> None:
        try:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(1)
        except KeyboardInterrupt:
            raise SystemExit(1) from None

    with pytest.raises(SystemExit) as stopped, stoppable("train", "go on"):
        answer_as_some_libraries_do()
    assert stopped.value.code == 130
    assert capsys.readouterr().err == "cryosense train: stopped by Ctrl-C; go on\n"
    signal.signal(signal.SIGINT, before)
