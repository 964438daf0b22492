"""The structure of the package: who imports whom, who calls ``torch.fft``, which errors are raised."""

import ast
import graphlib
import re
import statistics
from pathlib import Path

import yaml

from cryosense import errors

PACKAGE = Path(__file__).parents[1] / "cryosense"
CONF = PACKAGE.parent / "conf"
FLOORS = [
    {"errors"},
    {"fourier", "cpu_tiles", "compiling", "float32", "fusing", "seeding", "shown", "laws", "files"},
    {"runs", "solvers"},
    {"operators", "priors", "denoisers", "metrics", "volumes", "data", "biology"},
    {"measurement"},
    {"reconstructors", "simulation", "alignment"},
    {"training"},
    {"tasks", "reporting"},
    {"cli"},
    {"__main__"},
]
TASKS = [
    {"maps", "measure"},
    {"mask_design", "latents", "atomic_models", "poses", "advise"},
    {"reconstruct", "design"},
    {"validate"},
]
FLOOR_OF = {room: level for level, rooms in enumerate(FLOORS) for room in rooms}
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path.parent != PACKAGE or path.name != "__init__.py")


def imported_names(path: Path) -> set[str]:
    """Full names that the file imports, absolutely or relatively."""
    found: set[str] = set()
    package = path.relative_to(PACKAGE.parent).parts[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            stem = list(package[: len(package) - node.level + 1]) if node.level else []
            module = [*stem, *(node.module.split(".") if node.module else [])]
            names = [".".join([*module, alias.name]) for alias in node.names]
        found |= set(names)
    return found


def imported_rooms(path: Path) -> set[str]:
    return {name.split(".")[1] for name in imported_names(path) if name.startswith("cryosense.")}


def test_imports_point_downwards() -> None:
    upwards = []
    for path in MODULES:
        room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        assert room in FLOOR_OF, f"{room} stands on no floor: add it to the layer rule"
        upwards += [
            f"{path.relative_to(PACKAGE)} imports {other}"
            for other in imported_rooms(path) - {room}
            if FLOOR_OF[other] >= FLOOR_OF[room]
        ]
    assert not upwards


def test_rooms_of_tasks_import_downwards() -> None:
    floor_of = {room: level for level, rooms in enumerate(TASKS) for room in rooms}
    upwards = []
    for path in (PACKAGE / "tasks").rglob("[!_]*.py"):
        room = path.relative_to(PACKAGE / "tasks").parts[0]
        names = [name.split(".") for name in imported_names(path) if name.startswith("cryosense.tasks.")]
        others = {parts[2] for parts in names} - {room}
        upwards += [f"{path.relative_to(PACKAGE)} imports {other}" for other in others if floor_of[other] >= floor_of[room]]
    assert not upwards


def test_only_fourier_calls_torch_fft() -> None:
    callers = {str(path.relative_to(PACKAGE)) for path in MODULES if "torch.fft" in path.read_text()}
    assert {name.split("/")[0] for name in callers} == {"fourier"}


def test_the_life_of_a_run_directory_is_written_once() -> None:
    """That a run is done is said in one place; who locks its directory and begins its sessions is one module."""
    calls = {path: [n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Call)] for path in MODULES}
    writing = {
        str(path.relative_to(PACKAGE))
        for path, found in calls.items()
        for call in found
        if called(call).startswith(("write", "open", "replace", "rename"))
        and any(word in ast.unparse(call) for word in ("done.json", "/ DONE"))
    }
    assert writing == {"runs/record.py"}
    for name in ("write_record", "begin_session", "end_session"):
        callers = {str(path.relative_to(PACKAGE)) for path, found in calls.items() if name in map(called, found)}
        assert callers == {"runs/run_directory.py"}


def called(call: ast.Call) -> str:
    """Name of the function or method."""
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def test_the_walk_sees_an_upward_import(tmp_path: Path) -> None:
    tree = "from cryosense.cli import main\nfrom ..tasks import maps\n"
    probe = PACKAGE / "operators" / "_probe.py"
    try:
        probe.write_text(tree)
        assert imported_rooms(probe) == {"cli", "tasks"}
    finally:
        probe.unlink()


# What sequences and unpicklers raise by their protocols; a full disk, told with its file; a defect, which keeps its traceback.
RAISED_BESIDE_THE_TREE = {
    "LawError",
    "IndexError",
    "UnpicklingError",
    "OSError",
    "NotImplementedError",
    "RuntimeError",
    "TypeError",
}


def raised(path: Path) -> set[str]:
    """Names of the classes that the file raises."""
    calls = [node.exc for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Raise) and node.exc]
    names = [call.func if isinstance(call, ast.Call) else call for call in calls]
    return {name.attr if isinstance(name, ast.Attribute) else getattr(name, "id", "") for name in names}


def test_what_is_raised_is_of_the_tree() -> None:
    tree = {name for name, value in vars(errors).items() if isinstance(value, type)}
    found = {path: {name for name in raised(path) if name.endswith("Error")} for path in MODULES}
    assert {str(path): odd for path, names in found.items() if (odd := names - tree - RAISED_BESIDE_THE_TREE)} == {}


def test_the_tree_is_stated_at_its_top() -> None:
    def lines(cls: type, depth: int) -> list[str]:
        below = [
            line for each in cls.__subclasses__() if each.__module__ == errors.__name__ for line in lines(each, depth + 1)
        ]
        return ["    " * depth + f"- {cls.__name__}", *below]

    stated = [line.partition(":")[0] for line in (errors.__doc__ or "").splitlines() if line.strip().startswith("- ")]
    assert stated == lines(errors.CryosenseError, 0)


def config_keys() -> set[str]:
    """Keys of the configuration that stand in a node of it, such as ``noise.sigma``."""
    found: set[str] = set()

    def walk(node: object, where: str) -> None:
        for name, value in node.items() if isinstance(node, dict) else ():
            found.add(f"{where}.{name}")
            walk(value, f"{where}.{name}")

    for path in CONF.rglob("*.yaml"):
        groups, text = path.parent.relative_to(CONF).parts, path.read_text()
        if not {"hydra", "experiment"} & set(groups):
            walk(yaml.safe_load(text), "" if "@package _global_" in text else "".join(f".{group}" for group in groups))
    return {key.lstrip(".") for key in found if key.count(".") > 1 and "._" not in key}


def test_below_cli_nobody_knows_the_configuration() -> None:
    """Errors speak of arguments; ``cli`` puts the key in their place."""
    keys = re.compile(rf"(?<![\w./])({'|'.join(map(re.escape, sorted(config_keys(), key=len, reverse=True)))})\b(?![\w.]*\()")
    named = []
    for path in MODULES:
        if path.relative_to(PACKAGE).parts[0] == "cli":
            continue
        texts = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)]
        hits = [(node.lineno, match) for node in texts if isinstance(node.value, str) for match in keys.findall(node.value)]
        named += [f"{path.relative_to(PACKAGE)}:{line}: {key}" for line, key in hits]
    assert not named


MOST_LINES, MEDIAN_LINES, MOST_PARAMETERS = 200, 90, 8


def test_files_and_signatures_are_short() -> None:
    lengths = {path.relative_to(PACKAGE).as_posix(): len(path.read_text().splitlines()) for path in PACKAGE.rglob("*.py")}
    assert not {name for name, lines in lengths.items() if lines > MOST_LINES}
    assert statistics.median(lengths.values()) <= MEDIAN_LINES
    many = set()
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef):
                names = [each.arg for each in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
                if len([name for name in names if name not in {"self", "cls"}]) > MOST_PARAMETERS:
                    many.add(f"{path.relative_to(PACKAGE).as_posix()}:{node.name}")
    assert not many


def test_imports_go_round_in_no_circle() -> None:
    """Modules that import each other's names; importing a module out of its own package is no circle."""
    names = {
        path: ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__") for path in MODULES
    }
    modules = set(names.values())

    def module_of(name: str) -> str:
        return name if name in modules else name.rpartition(".")[0]

    needs = {names[path]: {module_of(name) for name in imported_names(path)} & modules - {names[path]} for path in MODULES}
    graphlib.TopologicalSorter(needs).prepare()


def test_one_place_writes_done() -> None:
    writers = {
        path.relative_to(PACKAGE).as_posix()
        for path in MODULES
        if re.search(r"write_json_atomic\([^)]*(DONE|done\.json)", path.read_text())
    }
    assert len(writers) <= 1, writers
