"""``cryosense reconstruct reconstructor=learned_posterior`` through its real command line: what is written, and refusals."""

import sys
from pathlib import Path

import mrcfile
import numpy as np
import pandas as pd
import pytest

from cryosense.cli.reconstruct import main
from tests.cli.stacks import noise_stack
from tests.cli.verbs import refusal
from tests.reconstructors.sampling_networks import small_network, written

COUNT, BOX = 9, 32
QUICK = ["scores.lpips=null", "fitting.held_back=4", "reconstructor=learned_posterior", "reconstructor.network_evaluations=3"]


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    return noise_stack(tmp_path, COUNT, BOX)


def run(monkeypatch: pytest.MonkeyPatch, stack: Path, output: Path, *words: str) -> Path:
    """-> the directory of the run."""
    monkeypatch.setattr(sys, "argv", ["x", *QUICK, f"data.path={stack}", f"output_dir={output}", *words])
    main()
    return next(output.glob("*/rows.parquet")).parent


@pytest.mark.parametrize("domain", ["fourier", "pixel"])
def test_mean_deviation_and_samples_are_written_and_chunks_make_no_difference(
    stack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, domain: str
) -> None:
    model = written(tmp_path / "model", small_network())
    words = [f"reconstructor.path={model}", "reconstructor.samples=3", "write_samples=true", "operator.per_particle=true"]
    words += [f"operator={domain}", "compression=2"]
    whole, parts = (run(monkeypatch, stack, tmp_path / str(chunk), *words, f"chunk_size={chunk}") for chunk in (COUNT, 4))
    for name in ("particles.mrcs", "deviation.mrcs", "sample_000.mrcs", "sample_002.mrcs"):
        assert (whole / name).read_bytes() == (parts / name).read_bytes()
    images = [mrcfile.read(path) for path in sorted(whole.glob("sample_*.mrcs"))]
    np.testing.assert_allclose(np.mean(images, 0), mrcfile.read(whole / "particles.mrcs"), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(np.std(images, 0, ddof=1), mrcfile.read(whole / "deviation.mrcs"), rtol=1e-3, atol=1e-4)
    rows = pd.read_parquet(whole / "rows.parquet")
    assert rows[["reconstructor", "prior", "sampler", "samples", "nfe"]].drop_duplicates().to_numpy().tolist() == [
        ["learned_posterior", "told_unet clean and sampling", "dpm_solver", 3, 10]
    ]


def test_what_cannot_be_is_refused_in_one_line(stack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fourier = written(tmp_path / "fourier", small_network(), "FourierSampling")
    cases = {
        "did not learn to sample: give a network=told_unet that did": ["reconstructor.path=shipped:one_molecule"],
        "the operator is PixelMasking": [f"reconstructor.path={fourier}", "operator=pixel"],
        "give the folder of a model": ["reconstructor.path=nowhere"],
        "reconstructor.churn=2: give a number from 0 to 1": [f"reconstructor.path={fourier}", "reconstructor.churn=2"],
    }
    for message, words in cases.items():
        assert message in refusal(run, monkeypatch, stack, tmp_path / "out", *words)
    assert not (tmp_path / "out").exists()
