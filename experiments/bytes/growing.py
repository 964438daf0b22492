"""Tables that grow row by row, and go on where they were stopped."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

import pandas as pd
from trials import LAST_ANSWER, processor_seconds

UNCOMPRESSED, SHELLS, ALIKE = "uncompressed", ("shell_unmasked", "shell_masked", "shell_to_truth"), 0.1


def made_before(path: Path) -> pd.DataFrame:
    """-> the table of a cell, empty if there is none."""
    return pd.read_csv(path) if path.exists() else pd.DataFrame()


def missing(names: Iterable[str], path: Path) -> list[str]:
    """-> those of the names that have no row; answers come together, and not every data set has each."""
    made = made_before(path)
    there = set() if made.empty else set(made["scheme"])
    later = {each for last, answers in LAST_ANSWER.items() if last in there for each in answers}
    return [name for name in names if name not in there | later]


def completed(path: Path, rows: Iterable[Mapping[str, object]], about: Mapping[str, object]) -> None:
    """Write rows to a table one after the other, each with what it is ``about``; the first is of the particles as they are.

    Raises:
        SystemExit: the table is of other particles: their map ends elsewhere.
    """
    table = made_before(path)
    for row in rows:
        if row["scheme"] == UNCOMPRESSED and not table.empty:
            known = table.set_index("scheme").loc[UNCOMPRESSED]
            if any(abs(float(known[each]) - float(str(row[each]))) > ALIKE for each in SHELLS):
                raise SystemExit(f"{path}: is of other particles than those in {path.parent / 'data'}: remove one of them")
            continue
        table = pd.DataFrame([*table.to_dict("records"), {**about, **row}])
        table.to_csv(path.with_suffix(".partial"), index=False)
        path.with_suffix(".partial").rename(path)
        said = (row["scheme"], row.get("bytes_measured"), row["equivalent_measured"], row.get("median_deg", ""))
        print(*about.values(), *said, f"{processor_seconds():.0f} s", flush=True)


def checked(names: Collection[str], known: Collection[str]) -> list[str]:
    """-> the names. Raises SystemExit for names of schemes that there are not."""
    if unknown := [name for name in names if name not in known]:
        raise SystemExit(f"schemes: {', '.join(unknown)}: choose among {', '.join(known)}")
    return list(names)
