"""How runs were made: what their configurations share, where they differ, and with which software, hardware and when."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from cryosense.errors import UntrustedFileError
from cryosense.files.limits import read_yaml
from cryosense.reporting.report.markup import Markup, element, joined, table, table_of
from cryosense.runs.provenance import sessions

UNKNOWN = "not recorded"
SHORT_COMMIT = 12  # of its characters, as git shortens it
Flat = dict[str, str]


def how_made(runs: Iterable[Path]) -> Markup:
    """Return the sessions, the configuration that all runs share, and a table of the keys in which they differ."""
    runs = list(runs)
    configs = {run: dict(_flat(_config(run))) for run in runs}
    keys = list(dict.fromkeys(key for config in configs.values() for key in config))
    varying = [key for key in keys if len({config.get(key) for config in configs.values()}) > 1]
    shared = [f"{key}: {next(iter(configs.values()))[key]}" for key in keys if key not in varying]
    differing = [[run.name, *_times(run), *(configs[run].get(key, "") for key in varying)] for run in runs]
    header = ["run", "started (UTC)", "seconds", *varying]
    return joined(
        [
            element("h3", "Software and hardware"),
            element("div", table_of(list(_machines(runs))), class_="words"),
            element("h3", "Configuration"),
            _folded(f"{len(shared)} keys that all runs share", element("pre", "\n".join(shared))),
            _folded(_differing(len(runs), len(varying)), table(header, differing)),
        ]
    )


def _differing(runs: int, keys: int) -> str:
    if runs == 1:
        return "when it was made"
    return (
        f"{runs} runs and the {keys} keys in which they differ"
        if keys != 1
        else f"{runs} runs and the key in which they differ"
    )


def _folded(summary: str, inside: Markup) -> Markup:
    return element("details", element("summary", summary), inside)


def _config(run: Path) -> Any:
    try:
        return read_yaml(run / "config.yaml")
    except UntrustedFileError:
        return None


def _flat(node: object, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield the leaves of a configuration by their dotted keys."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield from _flat(value, f"{prefix}{key}.")
    elif prefix:
        yield prefix[:-1], json.dumps(node, default=str)


def _times(run: Path) -> tuple[str, str]:
    """Return when the run was first started, and seconds in all its sessions, with a + if one of them was cut short."""
    entries = sessions(run)
    if not entries:
        return UNKNOWN, ""
    taken = [_seconds(entry) for entry in entries]
    known = [seconds for seconds in taken if seconds is not None]
    return str(entries[0].get("started"))[:19].replace("T", " "), f"{sum(known):.0f}{'+' * (None in taken)}"


def _seconds(session: dict[str, Any]) -> float | None:
    try:
        return (datetime.fromisoformat(session["ended"]) - datetime.fromisoformat(session["started"])).total_seconds()
    except (KeyError, TypeError, ValueError):
        return None


def _machines(runs: list[Path]) -> Iterator[dict[str, str]]:
    """Yield one line for each combination of software and hardware with which runs were last worked on."""
    last = [entries[-1] if (entries := sessions(run)) else {} for run in runs]
    described = Counter(json.dumps({k: v for k, v in each.items() if k not in {"started", "ended"}}) for each in last)
    for text, count in described.most_common():
        each = json.loads(text)
        versions = each.get("versions")
        packages = ", ".join(f"{name} {found}" for name, found in versions.items()) if isinstance(versions, dict) else UNKNOWN
        accelerators = each.get("accelerators")
        yield {
            "runs": str(count),
            "commit": str(each.get("commit") or UNKNOWN)[:SHORT_COMMIT],
            "versions": f"Python {each.get('python', '?')}, {packages}" if each else UNKNOWN,
            "processor": str(each.get("processor", UNKNOWN)),
            "cores, threads": f"{each['cores']}, {each['threads']}" if {"cores", "threads"} <= set(each) else UNKNOWN,
            "accelerators": ", ".join(map(str, accelerators)) if isinstance(accelerators, list) and accelerators else "none",
            "system": str(each.get("system", UNKNOWN)),
        }
