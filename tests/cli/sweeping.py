"""Small sweeps for tests: a stack, the command, and what it left behind."""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import torch

from cryosense.cli.reconstruct import main
from cryosense.data import StackWriter

COUNT, BOX = 24, 32
COMMAND = [sys.executable, "-c", "import sys; from cryosense.cli.main import main; sys.exit(main())", "reconstruct"]
QUICK = ["scores.lpips=null", "draw_example=false", "fitting.held_back=4", "fitting.tuning_images=4", "threads=1"]
QUICK.append("fitting.relative_weights=[0.01,0.1]")
FOUR = ["reconstructor=pinv,dct", "compression=2,4"]


def write_stack(path: Path) -> Path:
    """A small stack of noise."""
    with StackWriter(path, COUNT, BOX, 2.5) as writer:
        writer.write(0, torch.randn(COUNT, 1, BOX, BOX, generator=torch.Generator().manual_seed(0)))
        writer.finish()
    return path


def run_here(monkeypatch: pytest.MonkeyPatch, *words: str) -> None:
    """The command in this process; flags first."""
    monkeypatch.setattr(sys, "argv", ["cryosense reconstruct", *words, *QUICK])
    main()


def start(*words: str) -> "subprocess.Popen[str]":
    """The command in a process, and a process group, of its own."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [*COMMAND, *words, *QUICK],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def finished(folder: Path) -> list[Path]:
    """Complete runs."""
    return sorted(path.parent for path in folder.glob("*/done.json"))


def rows_of(folder: Path) -> pd.DataFrame:
    """Their rows, but for the time that they took."""
    rows = pd.concat([pd.read_parquet(run / "rows.parquet") for run in finished(folder)])
    return rows.drop(columns="seconds").sort_values(["run_id", "particle"]).reset_index(drop=True)
