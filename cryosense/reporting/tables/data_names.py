"""Names of data in tables: two stacks with the same name in two folders stay two."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePath

import pandas as pd

from cryosense.errors import UntrustedFileError
from cryosense.files.limits import read_text, read_yaml, shown

FINGERPRINT_CHARACTERS = 16


def with_unique_names(rows: pd.DataFrame, runs: Mapping[str, Path]) -> pd.DataFrame:
    """Return the rows with different data of one name distinguished, given the directory of each run by its id.

    Data are the same if their fingerprints are: those of the rows or, for runs older than that column, of ``data.txt``. They
    are distinguished by the folders that hold them if that suffices, else by the fingerprint.
    """
    of_runs = rows[["run_id", "data", "data_fingerprint"]].drop_duplicates("run_id").set_index("run_id")
    found: dict[str, dict[str, Path]] = {}
    prints = {}
    for run_id, name, fingerprint in of_runs.itertuples():
        prints[run_id] = fingerprint if isinstance(fingerprint, str) else _older(runs[run_id])
        found.setdefault(name, {}).setdefault(prints[run_id], runs[run_id])
    names = {name: _told_apart(name, stacks) for name, stacks in found.items() if len(stacks) > 1}
    new = {run_id: names[name][prints[run_id]] for run_id, name in of_runs["data"].items() if name in names}
    return rows.assign(data=rows["run_id"].map(new).fillna(rows["data"])) if new else rows


def _older(run: Path) -> str:
    """Return the fingerprint of a run's data from the time before rows had it; empty if that is not known either."""
    try:
        return shown(read_text(run / "data.txt").strip()[:FINGERPRINT_CHARACTERS])
    except UntrustedFileError:
        return ""


def _told_apart(name: str, stacks: Mapping[str, Path]) -> dict[str, str]:
    """Return a name for each fingerprint: with the fewest folders that distinguish all, else with the fingerprint itself."""
    folders = [_folder(run) for run in stacks.values()]
    for deepest in range(1, min(map(len, folders)) + 1):
        names = [shown("/".join((*folder[-deepest:], name))) for folder in folders]
        if len(set(names)) == len(names):
            return dict(zip(stacks, names, strict=True))
    return {fingerprint: f"{name} ({fingerprint or 'not known'})" for fingerprint in stacks}


def _folder(run: Path) -> tuple[str, ...]:
    """Return the parts of the path to the folder of the run's data, according to its configuration."""
    try:
        data = read_yaml(run / "config.yaml")["data"]
        return PurePath(data["path"]).parts[:-1]
    except (UntrustedFileError, KeyError, TypeError):
        return ()
