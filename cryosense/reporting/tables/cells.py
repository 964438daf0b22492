"""Cells of a sweep that have no rows: which method on which operator they were to be, and what became of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cryosense import reconstructors
from cryosense.errors import UntrustedFileError
from cryosense.files.limits import read_json, read_yaml, shown

MOST_CELLS = 100_000


def what_became_of(run: Path) -> str | None:
    """Return in words why a run directory has no rows that count, None if it is finished."""
    if (run / "done.json").is_file():
        return None
    if not (run / "error.json").is_file():
        return "unfinished: start the same run again to go on with it"
    try:
        error = read_json(run / "error.json")
        first_line = next(iter(str(error["error"]).splitlines()), "")
        return f"failed: {shown(str(error['type']))}: {shown(first_line)}"
    except (UntrustedFileError, KeyError) as problem:
        return f"failed, and its error.json cannot be read ({problem})"


def missing_cells(directory: Path, sweep: Path) -> Iterator[tuple[Path, str]]:
    """Yield cells that ``sweep``, a ``sweep.json``, promises and that have no directory at all, with that as the reason."""
    try:
        cells = read_json(sweep)["cells"]
        if not isinstance(cells, list) or len(cells) > MOST_CELLS or any(shown(str(cell)) != cell for cell in cells):
            raise UntrustedFileError(f"{sweep}: its cells are not at most {MOST_CELLS} names of directories")
    except (UntrustedFileError, KeyError) as error:
        yield sweep, f"damaged, cells that are missing are not known: {error}"
        return
    for cell in cells:
        if not (directory / cell).is_dir():
            yield directory / cell, "missing: the sweep names this cell, but it was never started"


def cell_label(run: Path) -> str:
    """Return the method and the operator of a run according to its ``config.yaml``; empty if that does not say."""
    try:
        config: Any = read_yaml(run / "config.yaml")
        operator, reconstructor = config["operator"], config["reconstructor"]
        masks = operator["masks"]["_target_"].rsplit(".", 1)[-1] if "masks" in operator else str(operator["name"])
        block = [f"K = {operator['block_size']}"] if "block_size" in operator else []
        words = [_method(reconstructor), masks, *block, f"C = {float(config['compression']):.3g}"]
        return shown(", ".join(words))
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
        return ""


def _method(reconstructor: dict[str, Any]) -> str:
    kind = str(reconstructor["_target_"]).rsplit(".", 1)[-1]
    of_class = getattr(getattr(reconstructors, kind, None), "name", kind)
    parts = [str(reconstructor.get("name") or of_class)]
    parts += [str(reconstructor["prior"])] if isinstance(reconstructor.get("prior"), str) else []
    parts += [f"w={reconstructor['weight']:.3g}"] if isinstance(reconstructor.get("weight"), float) else []
    return " ".join(parts)
