"""``cryosense measure``, killed at random moments: the same command completes it to the same bytes."""

import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from cryosense.cli.main import main
from tests.cli.test_measure import cryosense
from tests.measurement.file.stacks import write_many

KILLS = 20


def killed(words: list[str], after_seconds: float) -> bool:
    """Run a command line in a child process, and kill it. -> whether it was still at work."""
    child = os.fork()
    if child == 0:
        with open(os.devnull, "w") as nowhere, pytest.MonkeyPatch.context() as patch:  # noqa: PTH123
            os.dup2(nowhere.fileno(), 1)
            os.dup2(nowhere.fileno(), 2)
            patch.setattr("sys.argv", ["cryosense", *words])
            main()
        os._exit(0)
    time.sleep(after_seconds)
    os.kill(child, signal.SIGKILL)
    return os.waitpid(child, 0)[1] == signal.SIGKILL


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_killed_measurement_is_completed_to_the_same_bytes(tmp_path: Path) -> None:
    star = write_many(tmp_path, 1000)
    words = ["measure", str(star), "part_particles=64", "quantiser=uniform"]
    cryosense(*words, f"output={tmp_path}/first.cryo.h5")  # what is imported, children have
    started = time.monotonic()
    cryosense(*words, f"output={tmp_path}/whole.cryo.h5")
    longest, random = time.monotonic() - started, np.random.default_rng(0)
    path, at_work, found = tmp_path / "killed.cryo.h5", 0, set()
    for _ in range(KILLS):
        at_work += killed([*words, f"output={path}"], float(random.uniform(0, longest)))
        parts = path.with_name(path.name + ".parts")
        found.add(len(list(parts.glob("part_*"))) if parts.is_dir() else -1)
        if path.exists():
            assert path.read_bytes() == (tmp_path / "whole.cryo.h5").read_bytes()
            path.unlink()
    cryosense(*words, f"output={path}")
    assert path.read_bytes() == (tmp_path / "whole.cryo.h5").read_bytes()
    assert not path.with_name(path.name + ".parts").exists()
    print(f"{at_work} of {KILLS} were killed at work; parts that were left: {sorted(found)}")  # noqa: T201
    assert at_work >= KILLS // 2
