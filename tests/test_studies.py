"""Every study's command in its small form, as its README states it; of what would be swept two cells are composed."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser

from cryosense.cli.composing import checked
from cryosense.cli.conf_dir import conf_dir

pytestmark = pytest.mark.slow
STUDIES = Path(__file__).parents[1] / "experiments"
SMALL = re.compile(r"^In small.*: `(python .*)`$", re.MULTILINE)
# These read what all runs of their study left, which a small form does not make.
AFTER_RUNS = {
    f"{study}/analyse.py"
    for study in (
        "bytes",
        "generalisation",
        "generative_prior",
        "heterogeneity",
        "paper",
        "poses",
        "real_particle",
        "unrolled",
    )
}
AFTER_RUNS |= {"unrolled/timing.py"}
# Programs that are no dependencies of ours, without which a small form is not run.
PROGRAMS = {"relion.py": "relion_reconstruct", "backprojection.py": "cryodrgn", "poses.py": "relion_refine"}


def small_forms() -> list[str]:
    """The commands that the READMEs state as small forms."""
    return [form for path in sorted(STUDIES.glob("*/README.md")) for form in SMALL.findall(path.read_text())]


def test_every_program_of_a_study_has_a_small_form() -> None:
    programs = {path for path in STUDIES.glob("*/*.py") if '__name__ == "__main__"' in path.read_text()}
    small = {STUDIES.parent / shlex.split(form)[1] for form in small_forms()}
    assert {path.relative_to(STUDIES).as_posix() for path in programs - small} == AFTER_RUNS
    assert {path.parent for path in programs} == {path for path in STUDIES.iterdir() if path.is_dir()}


@pytest.mark.parametrize("form", small_forms())
def test_the_small_form_runs(form: str, tmp_path: Path, reference_data: Path) -> None:
    program, script, *words = shlex.split(form)
    needed = PROGRAMS.get(Path(script).name)
    if needed and not (shutil.which(needed) or Path(sys.executable).with_name(needed).exists()):
        pytest.skip(f"{needed} is not installed")
    assert program == "python"
    before = {path: path.read_bytes() for path in STUDIES.rglob("*") if path.is_file() and path.suffix != ".pyc"}
    names = {"CRYOSENSE_REFERENCE_DATA": str(reference_data.resolve()), "PYTHONPATH": str(STUDIES.parent), "MPLBACKEND": "Agg"}
    done = subprocess.run(
        [sys.executable, STUDIES.parent / script, *words],
        cwd=tmp_path,
        env=os.environ | names,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    assert {path: path.read_bytes() for path in before} == before, "a small form changed the study's own results"
    commands = [shlex.split(line)[2:] for line in done.stdout.splitlines() if line.startswith("$ cryosense ")]
    assert commands or any(tmp_path.iterdir())
    for verb, *rest in commands:
        compose_two_cells(verb, [word for word in rest if word != "-m"])


def compose_two_cells(verb: str, words: list[str]) -> None:
    cells = BasicSweeper.split_arguments(OverridesParser.create().parse_overrides(words), None)[0]
    with pytest.MonkeyPatch.context() as patch, checked():
        patch.setattr(sys, "argv", ["cryosense", *words])  # what is typed is trusted
        _compose(verb, cells)


def _compose(verb: str, cells: list[list[str]]) -> None:
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        for cell in {tuple(cells[0]), tuple(cells[-1])}:
            # Hydra's own settings are taken from a command line alone.
            assert compose(verb, overrides=[word for word in cell if not word.startswith("hydra/")])
