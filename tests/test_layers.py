"""The layer rule: a room imports only from the floors below it, and only ``fourier`` calls ``torch.fft``."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "cryosense"
FLOORS = [
    {"errors"},
    {"fourier", "cpu_tiles", "seeding", "files"},
    {"runs", "solvers"},
    {"operators", "priors", "denoisers", "metrics", "volumes", "data", "biology"},
    {"measurement"},
    {"reconstructors", "simulation", "alignment"},
    {"training"},
    {"tasks", "reporting"},
    {"cli"},
]
TASKS = [
    {"maps"},
    {"mask_design", "latents", "atomic_models"},
    {"reconstruct"},
    {"validate"},
]
SIBLINGS = {("tasks", "reporting"), ("reporting", "tasks")}  # still to be parted: figures are drawn where the work is done
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


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_downwards(path: Path) -> None:
    room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    assert room in FLOOR_OF, f"{room} stands on no floor: add it to the layer rule"
    for other in imported_rooms(path) - {room}:
        assert FLOOR_OF[other] < FLOOR_OF[room] or (room, other) in SIBLINGS, f"{room} may not import {other}"


@pytest.mark.parametrize(
    "path", sorted((PACKAGE / "tasks").rglob("[!_]*.py")), ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_rooms_of_tasks_import_downwards(path: Path) -> None:
    floor_of = {room: level for level, rooms in enumerate(TASKS) for room in rooms}
    room = path.relative_to(PACKAGE / "tasks").parts[0]
    names = [name.split(".") for name in imported_names(path) if name.startswith("cryosense.tasks.")]
    for other in {parts[2] for parts in names} - {room}:
        assert floor_of[other] < floor_of[room], f"tasks.{room} may not import tasks.{other}"


def test_only_fourier_calls_torch_fft() -> None:
    callers = {str(path.relative_to(PACKAGE)) for path in MODULES if "torch.fft" in path.read_text()}
    assert callers == {"fourier.py"}


def test_the_walk_sees_an_upward_import(tmp_path: Path) -> None:
    tree = "from cryosense.cli import main\nfrom ..tasks import maps\n"
    probe = PACKAGE / "operators" / "_probe.py"
    try:
        probe.write_text(tree)
        assert imported_rooms(probe) == {"cli", "tasks"}
    finally:
        probe.unlink()
