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

HYDRA_KEYS = {"_target_", "_partial_", "_convert_"}


def groups(verb: str) -> list[str]:
    """The groups that a verb's own configuration chooses members of."""
    entries = OmegaConf.to_container(OmegaConf.load(conf_dir() / f"{verb}.yaml"))["defaults"]
    return [key for entry in entries if isinstance(entry, dict) for key in entry if not key.startswith("override ")]


def options(group: str) -> list[str]:
    return sorted(path.stem for path in (conf_dir() / group).glob("*.yaml") if not path.stem.startswith("_"))


CASES = [(verb, []) for verb in VERBS]
CASES += [(verb, [f"{group}={option}"]) for verb in VERBS for group in groups(verb) for option in options(group)]
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
    assert {path.stem for path in conf_dir().glob("[!_]*.yaml")} == set(VERBS)
    folders = {path.name for path in conf_dir().iterdir() if path.is_dir()} - {"hydra"}  # its own groups
    assert folders == {group for verb in VERBS for group in groups(verb)}


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


# Which thing it is, not how it is set: there is no default to state.
NAMED = {"open_hub.repository", "open_hub.file", "Sampler.name", "OperatorDesign.name", "ByShell.parts", "SweepAccount.verb"}
NAMED |= {"centre_crop.size", "fourier_crop.size", "MixedOperators.parts", "MixedOperators.shares"}
# Methods are told apart in tables by a name, whatever their class is called.
TOLD_APART = {"Sparse.name", "PseudoInverse.name", "open_hub.name"}


def stated() -> Iterator[tuple[str, str, object, inspect.Parameter]]:
    """File, class and parameter, value and parameter itself, wherever a configuration states a plain value of our own."""
    for path in sorted(conf_dir().rglob("*.yaml")):
        where = path.relative_to(conf_dir())
        if where.parts[0] in {"hydra", "experiment"}:
            continue
        for _, node in nodes(OmegaConf.to_container(OmegaConf.load(path), resolve=False)):
            if not str(node["_target_"]).startswith("cryosense."):
                continue
            parameters = parameters_of(node["_target_"])
            for key, value in node.items():
                plain = not isinstance(value, dict) and "${" not in str(value) and value != "???"
                if key in parameters and plain:
                    yield where.as_posix(), f"{node['_target_'].rpartition('.')[2]}.{key}", value, parameters[key]


def test_the_yaml_states_the_defaults_of_signatures() -> None:
    """Python with defaults is the command with defaults, in every room; of a class's variants one is its defaults."""
    found: dict[str, dict[str, object]] = {}
    defaults: dict[str, object] = {}
    for where, name, value, parameter in stated():
        if name in TOLD_APART or name in NAMED:
            continue
        assert parameter.default is not inspect.Parameter.empty, f"{where}: {name} has no default in its signature"
        found.setdefault(name, {})[where] = value
        defaults[name] = list(parameter.default) if isinstance(parameter.default, tuple) else parameter.default
    assert len(found) > 150
    assert {name: values for name, values in found.items() if defaults[name] not in values.values()} == {}


CORE = ("operator", "noise", "method", "denoiser", "sampler", "reconstructor")


def test_of_what_measures_and_reconstructs_every_variant_is_the_defaults() -> None:
    seen = 0
    for where, name, value, parameter in stated():
        default = parameter.default
        if where.partition("/")[0] in CORE and name not in TOLD_APART and default is not inspect.Parameter.empty:
            assert value == (list(default) if isinstance(default, tuple) else default), f"{where}: {name}"
            seen += 1
    assert seen > 30
