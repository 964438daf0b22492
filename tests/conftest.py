"""Shared fixtures: where the reference data lie, and one thread count for all tests."""

import os
from pathlib import Path

import pytest

os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # as the command has it: errors arrive as they are


@pytest.fixture(scope="session")
def reference_data() -> Path:
    """Folder of real data and golden scores; tests that need it are skipped where it is absent."""
    named = os.environ.get("CRYOSENSE_REFERENCE_DATA")
    folder = Path(named) if named else Path(__file__).parents[2] / "shared" / "data"
    if not (folder / "README.md").is_file():
        pytest.skip("reference data not found: set CRYOSENSE_REFERENCE_DATA to their folder")
    return folder
