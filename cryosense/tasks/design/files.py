"""A profile of bits as files: a quantiser that other verbs take by its name, a table, a summary."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
import torch
import yaml

from cryosense.files.tables import write_csv
from cryosense.files.writing import write_json_atomic, write_text
from cryosense.runs.record import Kind
from cryosense.tasks.advise.prediction import Prediction
from cryosense.tasks.advise.schemes import book_of, configuration
from cryosense.tasks.design.bit_design import BitDesign
from cryosense.tasks.design.known import Known
from cryosense.tasks.design.making import Designed

QUANTISER = Path("quantiser") / "designed.yaml"
TABLE, SUMMARY, FIGURE = "profile.csv", "design.json", "design.png"
BITS = Kind(results=(str(QUANTISER), TABLE, SUMMARY, FIGURE), scratch=("work", ".data"))


def write_design(directory: Path, asked: BitDesign, known: Known, made: Designed) -> None:
    """Write ``quantiser/designed.yaml``, ``profile.csv`` and ``design.json``."""
    path = directory / QUANTISER
    path.parent.mkdir(exist_ok=True)
    node = yaml.safe_dump(configuration(made.quantiser), sort_keys=False)
    write_text(path, f"# Designed for {asked.budget.words}, for one data set.\n{node}")
    write_csv(directory / TABLE, profile(known, made))
    write_json_atomic(directory / SUMMARY, summarised(asked, known, made))


def profile(known: Known, made: Designed) -> pd.DataFrame:
    """Return a row for each shell: s, bits and step of its numbers, what is left, half-map FSC expected of all and of that."""
    signal, last = known.signal, made.quantiser.last_shell
    shells = range(len(made.left))
    books = [book_of(made.quantiser, shell) if last is None or shell <= last else None for shell in shells]
    columns = {
        "frequency_per_angstrom": torch.arange(len(shells)) / (signal.box_size * signal.pixel_size_angstrom),
        "log_snr": signal.snr.log_snr,
        "log_snr_deviation": signal.snr.deviation,
        "kept": made.left,
        "expected_uncompressed": signal.curve(),
        "expected": made.expected.curve,
        "expected_uncompressed_masked": signal.curve(masked=True),
        "expected_masked": signal.curve(made.left, masked=True),
    }
    spent = {
        "bits_per_number": [0.0 if book is None else book.entropy_bits for book in books],
        "step": [math.nan if book is None else book.step for book in books],
        "dither": [book is not None and book.dither_width > 0 for book in books],
    }
    return pd.DataFrame({"shell": shells} | spent | {name: values.numpy() for name, values in columns.items()})


def summarised(asked: BitDesign, known: Known, made: Designed) -> dict[str, object]:
    """Return what is spent and what is expected, beside one step for all shells; None for what is not known or has no end."""
    signal, expected = known.signal, made.expected
    n = signal.box_size
    bits = expected.scheme.bits(n)
    poses = asked.alignment.summary(
        signal.map_snr, made.left, signal.particles * signal.views, known.turns, without="uncompressed"
    )
    return {
        "asked_for": asked.budget.words,
        "particles": signal.particles,
        "box_size": n,
        "pixel_size_angstrom": signal.pixel_size_angstrom,
        "last_shell": made.quantiser.last_shell,
        "last_shell_worth_measuring": made.last_shell,
        "bits_per_pixel": bits / n**2,
        "bytes_per_particle": None if known.overhead is None else expected.bytes,
        "times_smaller_than_float32": None if known.overhead is None else 4 * n**2 / expected.bytes,
        "equivalent_particles_share": expected.equivalent,
        "equivalent_particles_share_flat": None if made.flat is None else made.flat.equivalent,
        "step_flat": None if made.flat is None else made.flat.scheme.quantiser.parameters["step"],
        "information_over_the_most": made.of_the_most,
        **_resolutions(expected, ""),
        "expected_uncompressed_resolution_angstrom": finite(signal.resolution(masked=False)),
        "expected_uncompressed_masked_resolution_angstrom": finite(signal.resolution(masked=True)),
        "angular_error_factor": finite(expected.angular_error),
        **poses,
        "warning": warning(known, made),
    }


def _resolutions(expected: Prediction, ending: str) -> dict[str, float | None]:
    return {
        f"expected_resolution{ending}_angstrom": finite(expected.unmasked),
        f"expected_masked_resolution{ending}_angstrom": finite(expected.masked),
    }


def warning(known: Known, made: Designed) -> str | None:
    """Return what to be careful about; None if there is nothing."""
    if made.expected.equivalent is None:
        return "no shell is expected to be resolved without a mask: equivalent particles cannot be told"
    return None


def finite(value: float) -> float | None:
    """Return a number, None for one without end."""
    return value if math.isfinite(value) else None
