"""A YAML file from someone else runs nothing but what cryosense ships with."""

from pathlib import Path

import pytest

from cryosense.cli import main
from cryosense.cli.conf_dir import conf_dir
from cryosense.cli.strangers import ForeignConfigError, refuse_foreign_code
from cryosense.tasks.mask_design.mask_design import CONFIG

OWN = """
_target_: cryosense.operators.masks.variable_density
_partial_: true
keep_probability_per_shell: [1.0, 0.5, "${seed}"]
"""


def place(folder: Path, text: str) -> Path:
    path = folder / CONFIG
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.mark.parametrize("words", [["--config-dir", "{}"], ["-cd", "{}"], ["--config-dir={}"], ["--config-path", "{}"]])
def test_own_targets_pass_and_others_do_not(tmp_path: Path, words: list[str]) -> None:
    words = ["data.path=a.star", *(word.format(tmp_path) for word in words)]
    place(tmp_path, OWN)
    refuse_foreign_code(words)
    path = place(tmp_path, OWN.replace("cryosense.operators.masks.variable_density", "os.system"))
    with pytest.raises(ForeignConfigError, match=rf"{path.name}: _target_: os\.system"):
        refuse_foreign_code(words)


@pytest.mark.parametrize(
    "text",
    [
        "_target_: os.system",
        "_target_: cryosense.files.pickles.pickle.loads",  # reached through a module of the package
        "_target_: cryosense.runs.rows.write_json_atomic",  # the package's own, but no configuration's
        "_target_: ${seed}",
        "_target_: [os, system]",
        "'_target_': !!str os.system",
        '"\\u005ftarget_": os.system',
        "a: {b: [{c: {_target_: os.system}}]}",
        "# @package hydra.callbacks\nx: {_target_: os.system}",
        'x: ${oc.create:"{_target_: os.system}"}',
        'x: ${oc.${y}:"{_target_: os.system}"}\ny: create',
        "hydra: {searchpath: [file:///elsewhere]}",
        "hydra: {job: {env_set: {LD_PRELOAD: x.so}}}",
        "x: !!python/object/apply:os.system [true]",
        "a: &a [1, 1]\nb: &b [*a, *a]\nc: [*b, *b]",
        "[" * 5000,
        "a: 1\n" * 30_000,
        "a: [1",
        "a: \x00",
    ],
)
def test_ways_around_it(tmp_path: Path, text: str) -> None:
    place(tmp_path, text)
    with pytest.raises(ForeignConfigError, match=r"designed\.yaml"):
        refuse_foreign_code(["--config-dir", str(tmp_path)])


def test_packages_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place(tmp_path, "_target_: mylab.masks.spiral")
    monkeypatch.setenv("CRYOSENSE_TRUSTED_PACKAGES", "other,mylab")
    refuse_foreign_code(["-cd", str(tmp_path)])
    place(tmp_path, "_target_: mylaboratory.masks.spiral")
    with pytest.raises(ForeignConfigError):
        refuse_foreign_code(["-cd", str(tmp_path)])


def test_shipped_configurations_pass() -> None:
    refuse_foreign_code(["-cd", str(conf_dir() / "operator")])
    refuse_foreign_code(["-cd", str(conf_dir() / "experiment")])


def test_the_command_refuses_before_anything_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    marker = tmp_path / "marker"
    place(tmp_path / "conf", f"_target_: os.system\ncommand: touch {marker}")
    words = ["--config-dir", str(tmp_path / "conf"), "operator=fourier", "operator/masks=designed", "data.path=none.star"]
    monkeypatch.setattr("sys.argv", ["cryosense", "backproject", *words])
    with pytest.raises(SystemExit, match=r"cryosense backproject: .*os\.system"):
        main.main()
    assert not marker.exists()
