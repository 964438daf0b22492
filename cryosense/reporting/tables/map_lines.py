"""Back-projections beside reconstructions: from which method on which operator each map is made, and its resolutions."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from cryosense.errors import CryosenseError
from cryosense.files.limits import read_json, read_yaml
from cryosense.files.tables import reading
from cryosense.reporting.style import method_words
from cryosense.reporting.tables.collected_maps import FinishedMap
from cryosense.reporting.tables.formats import method_label, operator_label
from cryosense.reporting.tables.summary import METHOD, OPERATOR
from cryosense.reporting.tables.usable_rows import usable_facts

# Curve and threshold of each resolution.
RESOLUTIONS = {
    "half_maps_0143_angstrom": ("corrected", 0.143),
    "half_maps_05_angstrom": ("corrected", 0.5),
    "uncompressed_0143_angstrom": ("cross_half1", 0.143),
    "reference_05_angstrom": ("to_reference", 0.5),
}
TITLES = {
    "half_maps_0143_angstrom": "half maps, 0.143",
    "half_maps_05_angstrom": "half maps, 0.5",
    "uncompressed_0143_angstrom": "to uncompressed, 0.143",
    "reference_05_angstrom": "to reference, 0.5",
}
EQUIVALENT = "equivalent_particles"
MASKS_ONLY, UNCOMPRESSED = "what was measured, no prior", "uncompressed"


def map_lines(maps: list[FinishedMap], runs: Iterable[Path], rows: pd.DataFrame) -> pd.DataFrame:
    """Return one line per map: ``maps``, ``run_id`` of its reconstruction, operator and method, and what it is worth.

    The reconstruction is identified by the directory from which the map's particles are read, sought among ``runs`` by name
    and then under the path in the map's configuration; method and compression are then those of its ``rows``. Resolutions are
    in Angstrom, infinite where nothing is resolved.
    """
    by_name = {run.name: run for run in runs}
    of_run = rows.groupby("run_id")[[*OPERATOR, *METHOD]].first().join(rows.groupby("run_id")["compression_dof"].mean())
    lines = []
    for each in maps:
        worth = each.summary.get("equivalent_particles")
        origin = _origin(each.directory, each.summary.get("measured"), by_name)
        run_id = origin.get("run_id")
        own = {"compression_dof": each.summary.get("compression_dof") if run_id is None else None}
        line: dict[str, Any] = {
            "maps": each.name,
            **dict.fromkeys(["run_id", "bytes_per_particle", *OPERATOR, *METHOD]),
            **own,
            **origin,
            **{name: of_run.at[run_id, name] for name in of_run.columns if run_id in of_run.index},
            "particles": each.summary["particles"],
            EQUIVALENT: worth.get("cross") if isinstance(worth, dict) else None,
        }
        for name, (curve, threshold) in RESOLUTIONS.items():
            rows = each.resolutions[(each.resolutions["curve"] == curve) & (each.resolutions["threshold"] == threshold)]
            line[name] = float(rows["resolution_angstrom"].iloc[0]) if len(rows) else float("nan")
            for end in ("low", "high"):
                column = f"interval_{end}_angstrom"
                known = len(rows) and column in rows
                line[f"{name}_{end}"] = float(rows[column].iloc[0]) if known else float("nan")
            line[f"{name}_at_nyquist"] = bool(rows["at_nyquist"].iloc[0]) if len(rows) else False
        lines.append(line)
    order = ["data", "operator", "masks", "symmetric", "compression_nominal", "maps"]
    return pd.DataFrame(lines).sort_values(order, na_position="first", ignore_index=True) if lines else pd.DataFrame()


def joined(lines: pd.DataFrame, maps: pd.DataFrame) -> pd.DataFrame:
    """Return the lines of a summary with the columns of their maps: means where a line has several."""
    columns = [*RESOLUTIONS, EQUIVALENT]
    if maps.empty:
        return lines.assign(**dict.fromkeys(columns, float("nan")))
    keys = [*OPERATOR, *METHOD]
    of_runs = maps[maps["run_id"].notna()].astype(dict.fromkeys(columns, float))
    numbers = of_runs.groupby(keys, dropna=False)[columns].mean().reset_index()
    # Keys need one type on both sides: a column of only empty values has another.
    same = {name: lines[name].dtype for name in keys}
    return lines.merge(numbers.astype(same), on=keys, how="left")


def map_words(maps: pd.DataFrame) -> list[dict[str, str]]:
    """Return what is shown of each line of ``map_lines``, all in words; columns that no map has are left out.

    What a particle takes and what the particles are worth come first.
    """
    shown = []
    for _, line in maps.iterrows():
        known = pd.notna(line["compression_nominal"])
        words = {
            "maps": line["maps"],
            "bytes": "" if pd.isna(line["bytes_per_particle"]) else f"{line['bytes_per_particle']:.0f}",
            "equivalent particles": "" if pd.isna(line[EQUIVALENT]) else f"{line['equivalent_particles']:.0f}",
            "particles": str(line["particles"]),
            "method": _label(line),
            "operator": operator_label(line) if known else "",
            "C dof": "" if pd.isna(line["compression_dof"]) else f"{line['compression_dof']:.2f}",
        }
        for name, title in TITLES.items():
            value = line[name]
            words[title] = "" if pd.isna(value) else reading(value, at_nyquist=line[f"{name}_at_nyquist"])
        shown.append(words)
    return [{title: word for title, word in words.items() if any(each[title] for each in shown)} for words in shown]


def made_of(folder: Path, measured: object) -> str:
    """Return in words which images the map in this folder is made of; ``measured`` is what its summary says of that."""
    line = pd.Series(dict.fromkeys([*OPERATOR, *METHOD]) | _origin(folder, measured, {}))
    words = images_words(line)
    return f"{words}; {operator_label(line)}" if pd.notna(line["compression_nominal"]) else words


def images_words(line: pd.Series) -> str:
    """Return in words what a map's images are, of its line of ``map_lines``: made by a method, measured so, or as they are."""
    if pd.isna(line["reconstructor"]):
        return "images"
    return method_words(line) if pd.notna(line.get("run_id")) else str(line["reconstructor"])


def _label(line: pd.Series) -> str:
    return "" if pd.isna(line["reconstructor"]) else method_label(line)


def _origin(folder: Path, measured: object, runs: dict[str, Path]) -> dict[str, Any]:
    """Return what is known about what the map in this folder is made from; ``measured`` is what its summary says of that."""
    try:
        config: Any = read_yaml(folder / "config.yaml")
        source = Path(config["data"]["path"]).parent
        summary = _summary(runs.get(source.name, source))
        if summary is not None:
            return usable_facts({name: summary.get(name) for name in ("run_id", *OPERATOR, *METHOD)})
        if isinstance(measured, dict):
            known = {name: measured.get(name) for name in (*OPERATOR, "bytes_per_particle") if name != "data"}
            return usable_facts({**known, "reconstructor": MASKS_ONLY})
        operator = config.get("operator")
        if operator is None:
            return {"reconstructor": UNCOMPRESSED}
        facts = {
            "operator": operator.get("name") or ("pixel" if "block_size" in operator else "fourier"),
            "masks": operator["masks"]["_target_"].rsplit(".", 1)[-1] if "masks" in operator else None,
            "block_size": operator.get("block_size"),
            "symmetric": operator.get("symmetric"),
            "compression_nominal": float(operator["compression"]),
            "reconstructor": MASKS_ONLY,
        }
        return usable_facts(facts)
    except (CryosenseError, OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _summary(run: Path) -> dict[str, Any] | None:
    """Return what a reconstruction says about itself, None if there is none."""
    if not (run / "summary.json").is_file():
        return None
    summary = read_json(run / "summary.json")
    return summary if "run_id" in summary else None
