"""When, with which versions and on what hardware a run was made: ``provenance.json``, one entry per start."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

import cryosense
from cryosense.errors import UntrustedFileError
from cryosense.files.limits import read_json_value
from cryosense.files.writing import write_json_atomic

FILE = "provenance.json"
PACKAGES = ["cryosense", "torch", "numpy", "scipy", "pandas", "diffusers", "lightning", "hydra-core"]


def begin_session(directory: Path) -> None:
    """Add what is true of this process to the run's record; ``ended`` stays null if it is killed."""
    write_json_atomic(directory / FILE, [*sessions(directory), {"started": _now(), "ended": None, **surroundings()}])


def end_session(directory: Path) -> None:
    """Record when the session begun last ended."""
    *before, last = sessions(directory)
    write_json_atomic(directory / FILE, [*before, last | {"ended": _now()}])


def gather_sessions(directory: Path, parts: Iterable[Path]) -> None:
    """Put the sessions of a run's parts, its shards, before its own: each once, in its present state, however often called."""
    of_parts = [entry for part in parts for entry in sessions(part)]
    known = [entry | {"ended": None} for entry in of_parts]
    own = [entry for entry in sessions(directory) if entry | {"ended": None} not in known]
    write_json_atomic(directory / FILE, [*of_parts, *own])


def sessions(directory: Path) -> list[dict[str, Any]]:
    """Return the sessions of a run, first to last; none if there is no record, or none that can be read."""
    try:
        content = read_json_value(directory / FILE)
    except UntrustedFileError:
        return []
    return [entry for entry in content if isinstance(entry, dict)] if isinstance(content, list) else []


def surroundings() -> dict[str, Any]:
    """Return versions, the commit of a checkout, the hardware, and how many threads are in use now.

    Nothing in it names a person or a machine.
    """
    return {**_of_this_process(), "threads": torch.get_num_threads()}


@cache
def _of_this_process() -> dict[str, Any]:
    cuda = torch.cuda.is_available()
    return {
        "commit": _commit(Path(cryosense.__file__).resolve().parents[1]),
        "python": platform.python_version(),
        "versions": {name: found for name in PACKAGES if (found := _version(name)) is not None},
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": os.cpu_count(),
        "accelerators": [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())] if cuda else [],
    }


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _commit(checkout: Path) -> str | None:
    """Return the checkout's commit, plus ``+ changes`` where files differ; None for an installed package or without git."""
    if not (checkout / ".git").exists():
        return None
    try:
        commit, changes = (_git(checkout, *words) for words in (["rev-parse", "HEAD"], ["status", "--porcelain", "-uno"]))
    except (OSError, subprocess.SubprocessError):
        return None
    return commit + (" + changes" if changes else "")


def _git(checkout: Path, *words: str) -> str:
    command = ["git", "--no-optional-locks", "-C", str(checkout), *words]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout.strip()


def _processor() -> str:
    """Return the processor's name, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
