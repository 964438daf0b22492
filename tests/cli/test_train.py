"""``cryosense train`` through its real command line: a pipeline for diffusers, the same losses after a kill, refusals."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import torch
from diffusers import DDPMPipeline

from cryosense.data import StackWriter
from cryosense.denoisers import open_ddpm, open_gaussian
from cryosense.runs.provenance import sessions
from tests.training.networks import TINY_WORDS

COMMAND = [sys.executable, "-c", "import sys; from cryosense.cli.main import main; sys.exit(main())", "train"]
STEPS = 12
WORDS = [
    *TINY_WORDS,
    f"steps={STEPS}",
    "batch_size=4",
    "model.optimisation.warmup_steps=3",
    "trainer.accumulate_grad_batches=2",
    "trainer.log_every_n_steps=1",
    "training.checkpoint_every=2",
    "training.validate_every=4",
    "training.sample_every=6",
    "training.sample_images=4",
    "training.sample_network_evaluations=3",
]


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    path = tmp_path / "particles.mrcs"
    with StackWriter(path, 40, 16, 3.0) as writer:
        writer.write(0, 2 + 3 * torch.randn(40, 1, 16, 16, generator=torch.Generator().manual_seed(0)))
        writer.finish()
    return path


def train(stack: Path, output: Path, *more: str) -> subprocess.CompletedProcess[str]:
    words = [*COMMAND, f"data.path={stack}", f"output_dir={output}", *WORDS, *more]
    return subprocess.run(words, capture_output=True, text=True, check=False)


def losses(output: Path) -> pd.DataFrame:
    """All that was logged."""
    return pd.read_csv(output / "losses.csv")


def kill_after_a_checkpoint(stack: Path, output: Path) -> None:
    process = subprocess.Popen(
        [*COMMAND, f"data.path={stack}", f"output_dir={output}", *WORDS], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    last = output / "checkpoints" / "last.ckpt"
    while process.poll() is None and not last.is_file():
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert last.is_file()
    assert not (output / "model").exists(), "it was killed too late to show anything"


def test_a_model_is_trained_and_a_killed_run_ends_in_the_same_weights(stack: Path, tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    done = train(stack, whole)
    assert done.returncode == 0, done.stderr
    kill_after_a_checkpoint(stack, killed)
    assert train(stack, killed).returncode == 0
    assert [session["ended"] is None for session in sessions(killed)] == [True, False]
    pd.testing.assert_frame_equal(losses(killed), losses(whole), check_exact=True)
    logged = losses(whole)
    assert logged["step"][logged["train/loss"].notna()].tolist() == list(range(STEPS))
    assert logged["validation/loss"].notna().sum() == STEPS / 2  # every four batches, of which a step takes two
    networks = [DDPMPipeline.from_pretrained(folder / "model").unet for folder in (whole, killed)]
    for ours, theirs in zip(*(network.parameters() for network in networks), strict=True):
        assert torch.equal(ours, theirs)
    assert len(list((whole / "samples").glob("*.png"))) == 2
    assert "validation/loss_t0_10" in logged.columns
    validation = json.loads((whole / "split.json").read_text())["validation"]
    assert validation == [38, 39]


def test_its_folder_is_a_prior_with_its_control(stack: Path, tmp_path: Path) -> None:
    assert train(stack, tmp_path / "run").returncode == 0
    folder = str(tmp_path / "run" / "model")
    denoiser, gaussian = open_ddpm(folder), open_gaussian(folder)
    assert denoiser.box_size == gaussian.box_size == 16
    # White images scaled to a deviation of 1/4: every shell has the power 1/16, 38 x 256 numbers.
    assert float(gaussian.spectrum.mean()) == pytest.approx(1 / 16, rel=0.05)


def test_what_cannot_be_trained_on_is_refused_in_one_line(stack: Path, tmp_path: Path) -> None:
    refused = train(stack, tmp_path / "run", "network.sample_size=32")
    assert refused.returncode == 1
    assert "images of 16 px for a network of 32 px" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not (tmp_path / "run").exists()
