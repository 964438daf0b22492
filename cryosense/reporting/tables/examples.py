"""Example images of runs: one particle each, as the run stored it, with its row of scores."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cryosense.errors import UnusableRunError
from cryosense.files.limits import read_json
from cryosense.files.untrusted import read_npz
from cryosense.reporting.tables.formats import method_label
from cryosense.reporting.tables.summary import METHOD, OPERATOR, in_order

Image = NDArray[np.float32]
LARGEST_SIDE = 4096  # pixels
LARGEST_PIXEL_ANGSTROM = 1e4
NEEDED = ("image", "measurement", "reconstruction")
OPTIONAL = ("clean", "deviation")


@dataclass(frozen=True)
class Example:
    """One particle of one run.

    Attributes:
        row: its row.
        images: its images by name, those in NEEDED and, where known, in OPTIONAL.
        pixel_size_angstrom: of these images; None where it is not known.
    """

    row: pd.Series
    images: dict[str, Image]
    pixel_size_angstrom: float | None = None

    @property
    def error(self) -> Image:
        """Reconstruction minus the clean image if it is known, else minus the measured image, (n, n)."""
        return self.images["reconstruction"] - self.images.get("clean", self.images["image"])

    @property
    def method(self) -> str:
        """Name of the method, whatever its weight."""
        return method_label(self.row.drop("weight"))


def read_example(run: Path, rows: pd.DataFrame) -> Example:
    """Return the images in the run's ``example.npz`` and that particle's row. Raises UnusableRunError if either is missing."""
    summary, particle, images = _read_images(run)
    return _with_row(summary, particle, images, rows[rows["run_id"] == str(summary["run_id"])])


def read_examples(runs: Iterable[Path], rows: pd.DataFrame) -> tuple[list[Example], list[tuple[Path, str]]]:
    """Return the examples of the runs that have one, and the other runs with the reason."""
    examples, without = [], []
    of_run = dict(list(rows.groupby("run_id", observed=True)))
    for run in runs:
        try:
            summary, particle, images = _read_images(run)
            examples.append(_with_row(summary, particle, images, of_run.get(str(summary["run_id"]), rows.iloc[:0])))
        except ValueError as error:
            without.append((run, str(error)))
    return examples, without


def _read_images(run: Path) -> tuple[dict[str, Any], int, dict[str, Image]]:
    """Return the run's summary, the particle and its images."""
    if not (run / "example.npz").exists():
        raise UnusableRunError("it has no example image, as where the originals of a measurement file are not given")
    try:
        summary = {**read_json(run / "summary.json")}
        str(summary["run_id"])
        images = read_npz(run / "example.npz", ("particle", *NEEDED, *OPTIONAL))
        particle = int(images.pop("particle"))
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        raise UnusableRunError(f"its example image cannot be read ({error})") from error
    missing = sorted(set(NEEDED) - set(images))
    if missing:
        raise UnusableRunError(f"example.npz holds no {', '.join(missing)}")
    shape = images["image"].shape
    for name, image in images.items():
        same = image.shape == shape or name == "measurement"
        if image.ndim != 2 or not same or not 1 <= image.size <= LARGEST_SIDE**2 or not np.isfinite(image).all():
            raise UnusableRunError(f"example.npz: {name}, of shape {image.shape}, is not an image like one of shape {shape}")
    return summary, particle, images


def _with_row(summary: dict[str, Any], particle: int, images: dict[str, Image], rows_of_run: pd.DataFrame) -> Example:
    row = rows_of_run[rows_of_run["particle"] == particle]
    if row.empty:
        raise UnusableRunError(f"its rows hold no particle {particle}, of which example.npz holds the images")
    size = summary.get("pixel_size_angstrom")
    known = isinstance(size, int | float) and 0 < size < LARGEST_PIXEL_ANGSTROM
    return Example(row.iloc[0], images, size if known else None)


def arrange(examples: list[Example]) -> tuple[list[dict[str, Example]], list[str]]:
    """Return examples by method for each operator, and the names of all methods, both in the order of the table.

    Of several runs of one method on one operator (weights, seeds) the one with the best PSNR stays.
    """
    frame = in_order(pd.DataFrame([example.row for example in examples]).assign(example=range(len(examples))))
    operators = []
    for _, lines in frame.groupby(OPERATOR, dropna=False, sort=False):
        by_psnr = [examples[i] for i in lines.sort_values("psnr", kind="stable")["example"]]
        operators.append({example.method: example for example in by_psnr})
    # One operator for all, so that only the order of methods matters.
    methods = in_order(frame.drop_duplicates(METHOD).assign(**dict.fromkeys(OPERATOR, 0)))["example"]
    return operators, list(dict.fromkeys(examples[i].method for i in methods))
