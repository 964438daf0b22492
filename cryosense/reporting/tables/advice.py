"""Advice in words: one table, what was checked, one command for each answer, what would be lost and what is assumed."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

NOTHING_LOST = "nothing_lost"
MEANING = {
    NOTHING_LOST: "nothing lost: at least 95 % of the information",
    "balanced": "balanced: about 85 % of it",
    "most_structures": "most structures a terabyte: the most information a byte, where more particles can be had",
}
COUNTED = (
    "Equivalent particles count the shells that are resolved without a mask; of those beyond, the masked resolution tells. "
    "Steps are in standard deviations of a shell's numbers. Resolutions are where the FSC of half maps falls to 0.143, first "
    "without, then under a mask; <=: to the end of what these pixels can show."
)
SHARE = "equivalent_particles_share"
SHORT_BY = 0.03  # of equivalent particles, that a check may find less than was expected before it is said
LONG, THIN = 3, 3  # of lines of more schemes than the first number, one in so many is printed
SPARED = 0.9  # of the bytes of a lossless form, above which nothing is gained


def advice_text(
    table: pd.DataFrame, checks: pd.DataFrame, summary: dict[str, Any], commands: dict[str, str], poses: str
) -> str:
    """Return what is printed.

    Args:
        table, checks: ``advice.csv`` and ``checks.csv``.
        summary: ``advice.json``.
        commands: by the name of the answer.
        poses: known, or unknown, so that what is left of them matters.
    """
    said = [_measured(summary), "", _table(table, summary, poses), "", COUNTED, ""]
    said += _checked(checks)
    for name, command in commands.items():
        said += ["", f"{MEANING[name]}", f"  {_lost(summary['answers'][name], summary)}", f"  {command}"]
    said += ["", *_notes(summary, poses), ""]
    return "\n".join(said)


def _measured(summary: dict[str, Any]) -> str:
    pixel, n = summary["pixel_size_angstrom"], summary["box_size"]
    sample = _resolutions(summary["sample_resolution_unmasked_angstrom"], summary["sample_resolution_masked_angstrom"], pixel)
    whole = _resolutions(
        summary["expected_resolution_unmasked_angstrom"], summary["expected_resolution_masked_angstrom"], pixel
    )
    return (
        f"{summary['particles']} particles of {n} px at {pixel:g} Å. Half maps of {summary['sample_particles']} of them "
        f"resolve {sample} (without, under a mask); all are expected to resolve {whole}."
    )


def _table(table: pd.DataFrame, summary: dict[str, Any], poses: str) -> str:
    chosen = {answer["scheme"]: name.replace("_", " ") for name, answer in reversed(summary["answers"].items())}
    pixel = summary["pixel_size_angstrom"]
    rows = []
    for each in _shown(table, set(chosen)).sort_values("bytes_per_particle").to_dict("records"):
        row = {
            "scheme": each["scheme"],
            "bytes a particle": f"{each['bytes_per_particle']:,.0f}",
            "times smaller": f"{each['times_smaller_than_float32']:.1f}",
            "equivalent particles": "-" if math.isnan(each[SHARE]) else f"{100 * each[SHARE]:.0f} %",
            "resolution, masked": _resolutions(
                each["resolution_unmasked_angstrom"], each["resolution_masked_angstrom"], pixel
            ),
        }
        if poses == "unknown":
            row |= {"angular error": f"x {each['angular_error_factor']:.2f}", "nats": f"{each['pose_information_nats']:.0f}"}
        rows.append(row | {"answer": chosen.get(each["scheme"], "")})
    return _in_columns(rows)


def _in_columns(rows: list[dict[str, str]]) -> str:
    """Return rows with the same keys as text; the first and the last column start on the left, numbers end on the right."""
    lines = [list(rows[0]), *(list(row.values()) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    said = []
    for line in lines:
        cells = [cell.rjust(width) for cell, width in zip(line, widths, strict=True)]
        cells[0], cells[-1] = line[0].ljust(widths[0]), line[-1]
        said.append("  ".join(cells).rstrip())
    return "\n".join(said)


def _shown(table: pd.DataFrame, chosen: set[str]) -> pd.DataFrame:
    """Return the rows that are printed: of long lines some, and what was chosen."""
    long = table.groupby("measured")["scheme"].transform("size") > LONG
    thin = table.groupby("measured").cumcount() % THIN == 0
    return table[~long | thin | table["scheme"].isin(chosen)]


def _checked(checks: pd.DataFrame) -> list[str]:
    said = []
    for each in checks.to_dict("records"):
        said.append(
            f"checked on the sample, {each['answers'].replace('_', ' ')}: {each['bytes_measured']:.0f} bytes "
            f"({each['bytes_expected']:.0f} expected), {_percent(each['equivalent_measured'])} by the cross-FSC "
            f"({_percent(each['equivalent_expected'])} expected), {each['unmasked_measured_angstrom']:.2f} and, masked, "
            f"{each['masked_measured_angstrom']:.2f} Å ({each['unmasked_expected_angstrom']:.2f}, "
            f"{each['masked_expected_angstrom']:.2f} expected)"
        )
        if each["equivalent_expected"] - each["equivalent_measured"] > SHORT_BY:
            said.append("  that is less than expected: take the next finer scheme of the table where it matters")
    return said or ["nothing was checked"]


def _lost(answer: dict[str, Any], summary: dict[str, Any]) -> str:
    pixel, share = summary["pixel_size_angstrom"], answer[SHARE]
    before = _resolutions(
        summary["expected_resolution_unmasked_angstrom"], summary["expected_resolution_masked_angstrom"], pixel
    )
    finest = summary["box_size"] * pixel / summary["last_shell"]
    after = _resolutions(answer["resolution_unmasked_angstrom"], answer["resolution_masked_angstrom"], pixel)
    return (
        f"{answer['scheme']}: {answer['bytes_per_particle']:,.0f} bytes a particle, "
        f"{answer['times_smaller_than_float32']:.0f} times fewer than float32; worth {_percent(share)} of the particles; "
        f"resolution {before} becomes {after}; nothing is kept beyond {finest:.2f} Å (shell {summary['last_shell']})"
    )


def _notes(summary: dict[str, Any], poses: str) -> list[str]:
    said = []
    levels, packed = summary["levels_in_an_image"], summary["bytes_of_these_levels"]
    if levels is not None:
        said.append(
            f"These images have {levels} different values each, {summary['bits_of_these_levels']:.2f} bits a pixel: they were "
            f"quantised before. Any lossless coder of bytes stores them in about {packed:,.0f} bytes a particle."
        )
        best = summary["answers"].get(NOTHING_LOST)
        if best is None or best["bytes_per_particle"] >= SPARED * packed:
            said.append("They cannot be compressed further without loss: keep them, by such a coder.")
        else:
            said.append("Fewer bytes are to be had only by losing some of what is left: the answers above do.")
    missing = [name for name in MEANING if name not in summary["answers"]]
    if missing:
        why = " or leaves enough to find poses by" if poses == "unknown" else ""
        said.append(f"No scheme of the table keeps that much{why}: {', '.join(missing).replace('_', ' ')}.")
    seen = "" if summary["sample_particles"] >= summary["particles"] else "The sample stands for all particles. "
    found = "are to be found again in what is measured" if poses == "unknown" else "are those of the file, and stay"
    said.append(
        f"Assumed: poses {found}. {seen}Particles are alike: deviations of shells are learned once from the first of them. "
        "The mask is the sample's."
    )
    return said


def _resolutions(unmasked: float | None, masked: float | None, pixel_size_angstrom: float) -> str:
    return ", ".join(_reading(each, pixel_size_angstrom) for each in (unmasked, masked)) + " Å"


def _reading(resolution: float | None, pixel_size_angstrom: float) -> str:
    if resolution is None or not math.isfinite(resolution):
        return "none"
    return f"{resolution:.2f}" if resolution > 2 * pixel_size_angstrom else f"<= {resolution:.2f}"


def _percent(share: float | None) -> str:
    return "-" if share is None or math.isnan(share) else f"{100 * share:.0f} %"
