"""Every node of every config is a constructor call: its keys are parameters, and none that has no default is missing."""

import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.utils import get_object
from omegaconf import DictConfig, OmegaConf

from cryosense.cli.conf_dir import conf_dir
from cryosense.cli.main import VERBS

GROUPS = {
    "reconstruct": [
        "data",
        "geometry",
        "scaling",
        "operator",
        "design",
        "noise",
        "quantiser",
        "method",
        "denoiser",
        "sampler",
        "reconstructor",
        "fitting",
        "tracker",
        "experiment",
    ],
    "measure": ["data", "geometry", "scaling", "operator", "design", "noise", "quantiser"],
    "inspect": [],
    "train": ["data", "geometry", "scaling", "augmentation", "network", "model", "logger"],
    "simulate": ["density", "noise_model"],
    "align": ["data", "geometry", "operator"],
    "backproject": ["data", "geometry", "operator", "soft_mask"],
    "export": ["data"],
    "compare-latents": ["embedding", "known"],
    "design-mask": [],
    "validate": [],
    "compare-models": ["soft_mask"],
    "collect": [],
    "report": [],
}
HYDRA_KEYS = {"_target_", "_partial_", "_convert_"}


def options(group: str) -> list[str]:
    return sorted(path.stem for path in (conf_dir() / group).glob("*.yaml") if not path.stem.startswith("_"))


CASES = [(verb, []) for verb in GROUPS]
CASES += [(verb, [f"{group}={option}"]) for verb, groups in GROUPS.items() for group in groups for option in options(group)]
CASES += [("train", ["model=unrolled", f"model/loss={loss}"]) for loss in options("model/loss")]
PIXEL_MASKS = ["random_binary", "random_gaussian", "checkerboard", "superres"]
CASES += [
    ("reconstruct", [f"operator={'pixel' if mask in PIXEL_MASKS else 'fourier'}", f"operator/masks={mask}"])
    for mask in options("operator/masks")
]


def nodes(cfg: object, where: str = "") -> Iterator[tuple[str, dict]]:
    """Every node with a ``_target_``, from the root down."""
    if isinstance(cfg, dict):
        if "_target_" in cfg:
            yield where, cfg
        for key, value in cfg.items():
            yield from nodes(value, f"{where}.{key}")


def parameters_of(target: str) -> dict[str, inspect.Parameter]:
    """Named parameters: what a bare ``**kwargs`` would swallow is not one of them."""
    variadic = {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}
    signature = inspect.signature(get_object(target))
    return {name: parameter for name, parameter in signature.parameters.items() if parameter.kind not in variadic}


def test_every_verb_and_group_is_walked() -> None:
    assert set(GROUPS) == set(VERBS)
    folders = {path.name for path in conf_dir().iterdir() if path.is_dir()} - {"hydra"}  # its own groups
    assert folders == {group for groups in GROUPS.values() for group in groups}


@pytest.mark.parametrize(("verb", "overrides"), CASES, ids=lambda case: "-".join(case) if isinstance(case, list) else case)
def test_keys_are_the_constructors_parameters(verb: str, overrides: list[str]) -> None:
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        cfg = compose(verb, overrides=overrides)
    assert isinstance(cfg, DictConfig)
    found = list(nodes(OmegaConf.to_container(cfg, resolve=False)))
    assert bool(found) == (verb != "inspect")  # whose keys are all plain
    for where, node in found:
        parameters = parameters_of(node["_target_"])
        keys = set(node) - HYDRA_KEYS
        assert keys <= set(parameters), f"{where}: {node['_target_']} has no parameter {keys - set(parameters)}"
        required = {name for name, parameter in parameters.items() if parameter.default is inspect.Parameter.empty}
        assert node.get("_partial_") or required <= keys, f"{where}: {node['_target_']} needs {required - keys}"


def test_the_wheel_carries_the_configs() -> None:
    text = (Path(__file__).parents[1] / "pyproject.toml").read_text()
    assert '"conf" = "cryosense/conf"' in text


CORE = tuple(f"cryosense.{room}." for room in ("operators", "measurement", "priors", "denoisers", "solvers", "reconstructors"))


@pytest.mark.parametrize("group", ["operator", "noise", "method", "denoiser", "sampler", "reconstructor"])
def test_the_yaml_states_the_defaults_of_signatures(group: str) -> None:
    """Wherever both are plain values, of what measures and reconstructs: Python with defaults is the command with defaults."""
    seen = 0
    for path in sorted((conf_dir() / group).rglob("*.yaml")):
        for where, node in nodes(OmegaConf.to_container(OmegaConf.load(path), resolve=False)):
            if not str(node["_target_"]).startswith(CORE):
                continue
            parameters = parameters_of(node["_target_"])
            for key, value in node.items():
                plain = key in parameters and not isinstance(value, dict) and "${" not in str(value) and value != "???"
                if (
                    plain
                    and parameters[key].default is not inspect.Parameter.empty
                    and (group, key) != ("reconstructor", "name")
                ):
                    default = parameters[key].default
                    assert value == (list(default) if isinstance(default, tuple) else default), f"{path.name} {where}.{key}"
                    seen += 1
    assert seen > 0
