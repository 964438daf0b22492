"""Cells of a sweep that have no rows: which method on which operator they were to be, and what became of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from cryosense import reconstructors


def what_became_of(run: Path) -> str | None:
    """-> in words why a run directory has no rows that count, None where it is finished."""
    if (run / "done.json").is_file():
        return None
    if not (run / "error.json").is_file():
        return "unfinished: start the same run again to go on with it"
    try:
        error = json.loads((run / "error.json").read_text())
        first_line = next(iter(str(error["error"]).splitlines()), "")
        return f"failed: {error['type']}: {first_line}"
    except (OSError, ValueError, KeyError, TypeError) as problem:
        return f"failed, and its error.json cannot be read ({problem})"


def missing_cells(directory: Path, sweep: Path) -> Iterator[tuple[Path, str]]:
    """Cells that ``sweep``, a ``sweep.json``, promises and that have no directory at all, with that as the reason."""
    try:
        cells = [str(cell) for cell in json.loads(sweep.read_text())["cells"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        yield sweep, f"damaged, cells that are missing are not known: {error}"
        return
    for cell in cells:
        if not (directory / cell).is_dir():
            yield directory / cell, "missing: the sweep names this cell, but it was never started"


def cell_label(run: Path) -> str:
    """-> the method and the operator of a run as its ``config.yaml`` has them; empty where that does not say."""
    try:
        config: Any = yaml.safe_load((run / "config.yaml").read_text())
        operator, reconstructor = config["operator"], config["reconstructor"]
        masks = operator["masks"]["_target_"].rsplit(".", 1)[-1]
        block = [f"K = {operator['block_size']}"] if "block_size" in operator else []
        return ", ".join([_method(reconstructor), masks, *block, f"C = {float(config['compression']):.3g}"])
    except (OSError, yaml.YAMLError, ValueError, KeyError, TypeError, AttributeError):
        return ""


def _method(reconstructor: dict[str, Any]) -> str:
    kind = str(reconstructor["_target_"]).rsplit(".", 1)[-1]
    of_class = getattr(getattr(reconstructors, kind, None), "name", kind)
    parts = [str(reconstructor.get("name") or of_class)]
    parts += [str(reconstructor["prior"])] if isinstance(reconstructor.get("prior"), str) else []
    parts += [f"w={reconstructor['weight']:.3g}"] if isinstance(reconstructor.get("weight"), float) else []
    return " ".join(parts)
