"""Advice as files: tables, a summary, and quantisers that other verbs take by their names."""

from __future__ import annotations

import math
from pathlib import Path

import yaml

from cryosense.files.tables import write_csv
from cryosense.files.writing import write_json_atomic, write_text
from cryosense.runs.record import Kind
from cryosense.tasks.advise.advice import SCRATCH, Found
from cryosense.tasks.advise.answers import MEANING, Answer
from cryosense.tasks.advise.schemes import configuration
from cryosense.tasks.advise.tables import checks_table, scheme_table, spectra

TABLE, CHECKS, SPECTRA, SUMMARY, FIGURE = "advice.csv", "checks.csv", "spectra.csv", "advice.json", "advice.png"
QUANTISERS = "quantiser"
ADVICE = Kind(
    results=(TABLE, CHECKS, SPECTRA, SUMMARY, FIGURE), optional=(f"{QUANTISERS}/*.yaml",), scratch=(SCRATCH, ".data")
)


def write_advice(directory: Path, found: Found) -> dict[str, object]:
    """Write tables, ``advice.json`` and, for each answer, ``quantiser/<answer>.yaml``; return the summary."""
    write_csv(directory / TABLE, scheme_table(found.predictions))
    write_csv(directory / CHECKS, checks_table(found.checks))
    write_csv(directory / SPECTRA, spectra(found))
    for answer in found.answers:
        path = directory / QUANTISERS / f"{answer.name}.yaml"
        path.parent.mkdir(exist_ok=True)
        node = yaml.safe_dump(configuration(answer.prediction.scheme.quantiser), sort_keys=False)
        write_text(path, f"# {answer.name}: {MEANING[answer.name]}, for one data set.\n{node}")
    summary = summarised(found)
    write_json_atomic(directory / SUMMARY, summary)
    return summary


def summarised(found: Found) -> dict[str, object]:
    """Return numbers that sum it up; None for what there is not."""
    levels = found.few_levels
    whole = found.of_all
    return {
        "particles": whole.particles,
        "sample_particles": found.looked.signal.particles,
        "box_size": whole.box_size,
        "pixel_size_angstrom": whole.pixel_size_angstrom,
        "sample_resolution_unmasked_angstrom": _finite(found.looked.resolutions[0]),
        "sample_resolution_masked_angstrom": _finite(found.looked.resolutions[1]),
        "expected_resolution_unmasked_angstrom": _finite(whole.resolution(masked=False)),
        "expected_resolution_masked_angstrom": _finite(whole.resolution(masked=True)),
        "last_shell": found.last_shell,
        "overhead_bytes_per_particle": found.looked.overhead.total(0.0, whole.particles),
        "levels_in_an_image": None if levels is None else levels.levels,
        "bits_of_these_levels": None if levels is None else levels.bits,
        "bytes_of_these_levels": found.lossless_bytes,
        "answers": {answer.name: _summary_of(answer) for answer in found.answers},
    }


def _summary_of(answer: Answer) -> dict[str, object]:
    expected = answer.prediction
    n = 2 * (len(expected.curve) - 1)
    return {
        "scheme": expected.scheme.name,
        "bytes_per_particle": expected.bytes,
        "times_smaller_than_float32": 4 * n**2 / expected.bytes,
        "equivalent_particles_share": expected.equivalent,
        "resolution_unmasked_angstrom": _finite(expected.unmasked),
        "resolution_masked_angstrom": _finite(expected.masked),
        "angular_error_factor": _finite(expected.angular_error),
        "pose_information_nats": expected.pose_nats,
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
