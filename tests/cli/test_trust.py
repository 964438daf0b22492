"""A configuration from someone else runs nothing but what cryosense ships with, and says nothing about where to write."""

import os
import pickle
from pathlib import Path

import pytest
import yaml
from hydra._internal.sources_registry import SourcesRegistry
from hydra.core.singleton import Singleton

from cryosense.cli.composing import checked
from cryosense.cli.conf_dir import conf_dir
from cryosense.cli.config_files import FileConfigSource
from tests.cli.verbs import run_verb

OWN = """
_target_: cryosense.operators.masks.variable_density
_partial_: true
keep_probability_per_shell: [1.0, 0.5, "${seed}"]
"""
MASKS = ["operator=fourier", "operator/masks=theirs"]
SECRET = "5ecret"


def refusal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], *words: str) -> str:
    """Place the files in a folder of others and run ``cryosense reconstruct`` with it. -> why it refused.

    MARKER and ELSEWHERE in the texts stand for two files; the first must not come to be, the second not change.
    """
    marker, elsewhere, folder = tmp_path / "marker", tmp_path / "precious.txt", tmp_path / "theirs"
    elsewhere.write_text("precious")
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("MARKER", str(marker)).replace("ELSEWHERE", str(elsewhere)))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TOKEN", SECRET)
    with pytest.raises(SystemExit) as refused:
        run_verb(monkeypatch, "reconstruct", "--config-dir", str(folder), *words)
    assert not marker.exists()
    assert elsewhere.read_text() == "precious"
    assert SECRET not in str(refused.value)
    written = {path.name for path in tmp_path.iterdir()} - {"theirs", "precious.txt", "linked"}
    assert not written
    return str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        "_target_: os.system\ncommand: touch MARKER",
        "_target_: cryosense.files.pickles.pickle.loads",  # reached through a module of the package
        "_target_: cryosense.runs.rows.write_json_atomic",  # the package's own, but no configuration's
        "_target_: ${seed}",
        "_target_: ${data.directory}",
        "_target_: [os, system]",
        "'_target_': !!str os.system",
        '"\\u005ftarget_": os.system',
        "a: {b: [{c: {_target_: os.system}}]}",
        "a: [[{_target_: os.system}]]",
        "_target_: cryosense.operators.masks.uniform\n_args_: [touch MARKER]",
        "_target_: cryosense.operators.masks.uniform\n_recursive_: false",
        "_target_: hydra.utils.get_method\npath: os.system",
        "_target_: hydra.utils.get_object\npath: os.system",
        "_target_: hydra.utils.get_class\npath: subprocess.Popen",
        "_target_: hydra.utils.instantiate\nconfig: {_target_: os.system}",
        "_target_: functools.partial\n_args_: [os.system]",
        "_target_: lightning.pytorch.Trainer\ndefault_root_dir: /elsewhere",
        "_target_: lightning.pytorch.Trainer\nprofiler: advanced",
        "_target_: cryosense.cli.sources.simulated\ndirectory: /elsewhere\noverrides: []\nname: x",
        "_target_: cryosense.reporting.trackers.WandB\nproject: theirs\ngroup: x\noffline: false",
        'x: ${oc.create:"{_target_: os.system}"}',
        "x: ${oc.decode:'[1]'}",
        "x: ${oc.env:TOKEN}",
        "x: a${oc.env:TOKEN}b",
        "x: ${oc.dict.values:data}",
        "x: ${hydra:runtime.cwd}",
        "x: ${hydra.job.env_set}",
        'x: ${oc.${y}:"{_target_: os.system}"}\ny: create',
        "x: ${${y}}\ny: oc.env:TOKEN",
        "x: \\${oc.env:TOKEN}",
        'x: "\\\\\\\\${oc.env:TOKEN}"',
        'x: "${a}${b}"\na: "$"\nb: "{oc.env:TOKEN}"',  # put together
        "x: !!python/object/apply:os.system [touch MARKER]",
        "a: &a [1, 1]\nb: &b [*a, *a]\nc: [*b, *b]",
        "[" * 5000,
        "a: " + "[" * 60 + "]" * 60,
        "a: 1\n" * 30_000,
        "a: [1",
        "a: \x00",
        "a: 1\na: 2",
    ],
)
def test_ways_around_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    assert "theirs.yaml" in refusal(tmp_path, monkeypatch, {"operator/masks/theirs.yaml": text}, *MASKS)


HYDRAS = {
    "callbacks": "hydra: {callbacks: {x: {_target_: os.system, command: touch MARKER}}}",
    "callbacks of cryosense's": "hydra: {callbacks: {y: {_target_: cryosense.cli.sweeps.SweepAccount, verb: x}}}",
    "factory of a log handler": "hydra: {job_logging: {version: 1, handlers: {x: {(): os.system, command: touch MARKER}}}}",
    "a log file": "hydra: {job_logging: {version: 1, root: {handlers: [x]},"
    " handlers: {x: {class: logging.FileHandler, filename: ELSEWHERE, mode: w}}}}",
    "Hydra's log": "hydra: {hydra_logging: {version: 1, root: {handlers: [x]},"
    " handlers: {x: {class: logging.FileHandler, filename: ELSEWHERE, mode: w}}}}",
    "run directory": "hydra: {run: {dir: MARKER}}",
    "run directory and configuration": "hydra: {run: {dir: MARKER}, output_subdir: x}",
    "change of directory": "hydra: {job: {chdir: true}, run: {dir: MARKER}}",
    "sweep directory": "hydra: {sweep: {dir: MARKER}}",
    "variables": "hydra: {job: {env_set: {LD_PRELOAD: x.so}}}",
    "copied variables": "hydra: {job: {env_copy: [TOKEN]}}",
    "search path": "hydra: {searchpath: [pkg://antigravity]}",
    "launcher": "hydra: {launcher: {_target_: os.system, command: touch MARKER}}",
    "sweeper": "hydra: {sweeper: {_target_: os.system, command: touch MARKER}}",
    "mode": "hydra: {mode: MULTIRUN, sweeper: {params: {seed: '1,2'}}}",
    "help": "hydra: {help: {template: '${oc.env:TOKEN}'}}",
}


@pytest.mark.parametrize("text", HYDRAS.values(), ids=HYDRAS)
def test_hydra_is_not_set_up_by_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    assert "hydra" in refusal(tmp_path, monkeypatch, {"experiment/x.yaml": f"# @package _global_\n{text}"}, "experiment=x")


@pytest.mark.parametrize(
    ("files", "words"),
    [
        # By the package that a file says it belongs to, or that a list of defaults puts it into.
        ({"operator/masks/x.yaml": "# @package hydra.callbacks\nx: {_target_: os.system}"}, ["operator/masks=x"]),
        ({"experiment/x.yaml": "defaults: [y@hydra.callbacks]", "experiment/y.yaml": "x: {_target_: os.system}"},
         ["experiment=x"]),
        ({"experiment/x.yaml": "# @package _global_\ndefaults: [{override /hydra/launcher: processes}]"}, ["experiment=x"]),
        ({"hydra/job_logging/x.yaml": "version: 1\nhandlers: {x: {(): os.system}}"}, ["hydra/job_logging=x"]),
        ({"hydra/launcher/x.yaml": "_target_: os.system"}, ["-m", "hydra/launcher=x"]),
        ({"hydra/callbacks/x.yaml": "x: {_target_: os.system}"}, ["+hydra/callbacks=x"]),
        # One cell of a sweep, not the first.
        ({"experiment/x.yaml": "# @package _global_\nhydra: {job_logging: {version: 1, handlers: {x: {(): os.system}}}}"},
         ["-m", "experiment=demo_pixel,x"]),
        ({"noise/x.yaml": "_target_: os.system"}, ["-m", "noise=none,x"]),
    ],
)  # fmt: skip
def test_by_way_of_lists_of_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], words: list[str]
) -> None:
    said = refusal(tmp_path, monkeypatch, files, *words)
    assert any(word in said for word in ("hydra", "Hydra", "os.system"))


@pytest.mark.parametrize(
    "override",
    [
        "density._target_=os.system",
        "+density.x={_target_: os.system}",
        "output_dir=/elsewhere",
        "++output_dir=/elsewhere",
        "hydra.searchpath=[pkg://antigravity]",
        "+hydra.callbacks.x={_target_:os.system}",
        "hydra/job_logging=default",
        "density.resolution_angstrom=${oc.env:TOKEN}",
        "microscope.voltage_kv=\\\\${oc.env:TOKEN}",
    ],
)
def test_words_that_are_composed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, override: str) -> None:
    text = f"_target_: cryosense.cli.sources.simulated\ndirectory: outputs/simulated\noverrides: ['{override}']\nname: x\n"
    refusal(tmp_path, monkeypatch, {"data/theirs.yaml": text}, "data=theirs")


@pytest.mark.parametrize("key", ["output_dir", "data.directory"])
def test_where_to_write_is_not_theirs_to_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    outer, _, inner = key.rpartition(".")
    text = f"# @package _global_\n{f'{outer}: {{{inner}: ELSEWHERE}}' if outer else f'{inner}: ELSEWHERE'}\n"
    assert f"{key}: " in refusal(tmp_path, monkeypatch, {"experiment/x.yaml": text}, "experiment=x")


def test_links_lead_to_what_is_checked_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "theirs" / "operator").mkdir(parents=True)
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "theirs.yaml").write_text("_target_: os.system")
    (tmp_path / "theirs" / "operator" / "masks").symlink_to(tmp_path / "linked")
    assert "os.system" in refusal(tmp_path, monkeypatch, {}, *MASKS)


def test_a_pipe_is_no_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "theirs" / "operator" / "masks").mkdir(parents=True)
    os.mkfifo(tmp_path / "theirs" / "operator" / "masks" / "theirs.yaml")
    assert "theirs" in refusal(tmp_path, monkeypatch, {}, *MASKS)


@pytest.mark.parametrize("option", ["--config-path", "-cp"])
def test_the_configurations_are_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: str) -> None:
    assert "--config-dir" in refusal(tmp_path, monkeypatch, {"reconstruct.yaml": "x: 1"}, option, "theirs")


def test_what_ships_is_not_shadowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shown(tmp_path, monkeypatch, {"operator/masks/radial.yaml": "_target_: os.system"})
    assert "cryosense.operators.masks.radial" in capsys.readouterr().out


def shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], *words: str) -> None:
    """As ``refusal``, of what is accepted: ``--cfg job``, which ends well."""
    for name, text in files.items():
        (tmp_path / "theirs" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "theirs" / name).write_text(text)
    assert run_verb(monkeypatch, "reconstruct", "--config-dir", str(tmp_path / "theirs"), *words, "--cfg", "job") == 0


@pytest.mark.parametrize(
    "words",
    [
        MASKS,
        [*MASKS, "experiment=demo_pixel"],
        [*MASKS, "output_dir=/my/own", "data.directory=${oc.env:HOME}/x", "data.overrides=['count=4']"],
        [*MASKS, "tracker=wandb"],
        [*MASKS, "+hydra.job.env_set.A=b"],
        [*MASKS, "hydra/launcher=basic"],
    ],
)
def test_own_words_and_plain_files_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    shown(tmp_path, monkeypatch, {"operator/masks/theirs.yaml": OWN}, *words)
    assert "_target_: cryosense.operators.masks.variable_density" in capsys.readouterr().out


def test_packages_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRYOSENSE_TRUSTED_PACKAGES", "other,mylab")
    shown(tmp_path, monkeypatch, {"operator/masks/theirs.yaml": "_target_: mylab.masks.spiral"}, *MASKS)
    assert "mylaboratory" in refusal(
        tmp_path, monkeypatch, {"operator/masks/theirs.yaml": "_target_: mylaboratory.masks.spiral"}, *MASKS
    )


@pytest.mark.parametrize("path", sorted(conf_dir().glob("experiment/*.yaml")), ids=lambda path: path.stem)
def test_what_ships_passes_when_it_comes_from_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], path: Path
) -> None:
    text = path.read_text().partition("\nhydra:")[0]
    shown(tmp_path, monkeypatch, {"experiment/theirs.yaml": text}, "experiment=theirs")
    theirs = capsys.readouterr().out
    shown(tmp_path, monkeypatch, {}, f"experiment={path.stem}")
    ours = capsys.readouterr().out
    assert yaml.safe_load(theirs) == yaml.safe_load(ours)


def test_workers_of_a_sweep_read_as_the_process_that_started_them() -> None:
    before = Singleton.get_state()
    with checked():
        instances = pickle.loads(pickle.dumps(Singleton.get_state()["instances"]))
    try:
        Singleton.set_state({**before, "instances": instances})
        assert SourcesRegistry.instance().types["file"] is FileConfigSource
    finally:
        Singleton.set_state(before)
