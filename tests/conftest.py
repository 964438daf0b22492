"""Shared fixtures: where the reference data lie, and how many threads torch has."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # as the command has it: errors arrive as they are

# Folders that `make test` leaves to `make test-rest`, but for the first whole commands.
REST = {"cli", "docs", "fuzz", "kills", "reconstructors", "reporting", "solvers", "tasks", "training"}
FIRST = {"cli/test_main.py", "cli/test_simulate.py"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is not of the first tier, by its folder."""
    for item in items:
        where = item.path.relative_to(Path(__file__).parent)
        if where.parts[0] in REST and where.as_posix() not in FIRST:
            item.add_marker("rest")


@pytest.fixture(scope="session")
def reference_data() -> Path:
    """Folder of real data and golden scores; tests that need it are skipped where it is absent."""
    named = os.environ.get("CRYOSENSE_REFERENCE_DATA")
    folder = Path(named) if named else Path(__file__).parents[2] / "shared" / "data"
    if not (folder / "README.md").is_file():
        pytest.skip("reference data not found: set CRYOSENSE_REFERENCE_DATA to their folder")
    return folder


@pytest.fixture(params=[1, 2])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    """So many for torch, as many as before afterwards."""
    import torch  # by those alone that ask for it

    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)
