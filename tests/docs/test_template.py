"""The template package, installed as a user would: checked, swept, and short."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from tests.cli.sweeping import QUICK, finished, write_stack
from tests.docs.pages import ROOT

TEMPLATE = ROOT / "docs" / "template"
CHECK = """
import cryosense as cs
from my_lab import parts
from cryosense.denoisers.checks import check_denoiser
from cryosense.measurement import OperatorDesign
from cryosense.measurement.checks import check_design, check_quantiser
from cryosense.metrics.checks import check_score
from cryosense.operators.checks import check_operator
from cryosense.priors.checks import check_prior
from cryosense.reconstructors.checks import check_reconstructor
from my_lab import scores

check_design(OperatorDesign(parts.Binning, "binning", 4.0))
check_operator(cs.FourierSampling(parts.low_pass(16, 0.4)))
check_quantiser(parts.Rounding())
check_denoiser(parts.Grey(16))
check_score(scores.largest_error)
check_prior(parts.Smallness())
check_reconstructor(parts.Halved())
"""


@pytest.fixture(scope="module")
def surroundings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Environment of a machine that has the package installed."""
    folder = tmp_path_factory.mktemp("installed")
    shutil.copytree(TEMPLATE, folder / "source")
    options = ["--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--target", str(folder / "packages")]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, str(folder / "source")], check=True)
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(folder / "packages")]), "OMP_NUM_THREADS": "1"}


def test_it_is_short() -> None:
    files = [path for path in TEMPLATE.rglob("*") if path.suffix in {".py", ".yaml", ".toml"}]
    assert sum(bool(line.strip()) for path in files for line in path.read_text().splitlines()) < 80


def test_it_obeys_the_laws(surroundings: dict[str, str]) -> None:
    subprocess.run([sys.executable, "-c", CHECK], env=surroundings, check=True)


def test_it_is_swept(surroundings: dict[str, str], tmp_path: Path) -> None:
    """Every part at work: choices from its configurations, its score in the rows and tables."""
    data = [f"data.path={write_stack(tmp_path / 'p.mrcs')}", "data=first_half"]

    def run(*words: str) -> None:
        command = [sys.executable, "-m", "cryosense", *words]
        subprocess.run(command, env=surroundings, cwd=tmp_path, check=True, capture_output=True)

    own = ["operator=binning", "compression=4", "quantiser=rounding", "reconstructor=halved,smallness"]
    run("reconstruct", *data, *own, *QUICK, "-m")
    grey = ["operator/masks=low_pass", "reconstructor=posterior", "denoiser=grey", "reconstructor.network_evaluations=3"]
    run("reconstruct", *data, *grey, *QUICK)
    run("collect", "outputs")
    rows = pd.concat([pd.read_parquet(each / "rows.parquet") for each in finished(tmp_path / "outputs")])
    assert set(rows["reconstructor"]) == {"halved", "smallness", "posterior"}
    assert set(rows["prior"].dropna()) >= {"grey"}
    assert rows["largest_error"].gt(0).all()
    assert "largest_error" in (tmp_path / "outputs" / "table.md").read_text()


def test_its_choices_and_their_keys_are_in_the_help(surroundings: dict[str, str], tmp_path: Path) -> None:
    def asked(*words: str) -> str:
        command = [sys.executable, "-m", "cryosense", "reconstruct", *words]
        return subprocess.run(command, env=surroundings, cwd=tmp_path, check=True, capture_output=True, text=True).stdout

    assert "Means over blocks of two by two pixels." in asked("--help", "operator")
    listed = asked("reconstructor=smallness", "operator=binning", "--help")
    assert "binning" in asked("--help")
    assert "Keys of reconstructor=smallness" in listed
    assert "reconstructor.weight=null" in listed
    assert "halved" in listed


def test_a_parameter_that_its_file_does_not_name_can_be_added(surroundings: dict[str, str], tmp_path: Path) -> None:
    def shown(word: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "cryosense", "reconstruct", "operator=binning", word, "--cfg", "job"]
        return subprocess.run(command, env=surroundings, cwd=tmp_path, check=False, capture_output=True, text=True)

    assert "type +operator.make.seed=... to add it" in shown("operator.make.seed=3").stderr
    assert "seed: 3" in shown("+operator.make.seed=3").stdout


def test_a_name_that_cryosense_has_is_not_taken_for_ones_own(tmp_path: Path) -> None:
    (tmp_path / "reconstructor").mkdir()
    (tmp_path / "reconstructor" / "tv.yaml").write_text("_target_: my_lab.parts.Halved\n")
    command = [sys.executable, "-m", "cryosense", "reconstruct", "reconstructor=tv", "--config-dir", str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, text=True)
    assert done.returncode == 1
    assert "reconstructor=tv is a choice of cryosense itself" in done.stderr


def test_a_package_that_nobody_named_is_not_trusted(tmp_path: Path) -> None:
    """The same configuration in a folder, from a package without the entry point, is refused in one line."""
    (tmp_path / "reconstructor").mkdir()
    (tmp_path / "reconstructor" / "halved.yaml").write_text("_target_: my_lab.parts.Halved\n")
    command = [sys.executable, "-m", "cryosense", "reconstruct", "reconstructor=halved", "--config-dir", str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, text=True)
    assert done.returncode == 1
    assert "CRYOSENSE_TRUSTED_PACKAGES" in done.stderr
    assert "Traceback" not in done.stderr
