"""Measurement files in place of stacks: what they say replaces the configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from omegaconf import DictConfig, OmegaConf

from cryosense.errors import ArgumentError
from cryosense.measurement.file import SUFFIX, MeasurementFile

# What a file states itself; an override of it would be ignored.
SAID_BY_FILES = ("operator", "compression", "design", "noise", "quantiser", "scaling", "geometry", "bits_per_number")
LINK = "${compression}"  # in what takes it


def refuse_other_measurement(words: Sequence[str]) -> None:
    """Raise ArgumentError if command-line words name a measurement file, and how it should have been measured."""
    if not any(word.lstrip("+").startswith("data.path=") and word.rstrip("'\"").endswith(SUFFIX) for word in words):
        return
    for word in words:
        key = word.lstrip("+~").split("=")[0].split(".")[0].split("/")[0]
        if key in SAID_BY_FILES and not word.startswith(("noise_model", "data")):
            raise ArgumentError(f"{word}: a measurement file states how its particles were measured: leave this out")


def refuse_idle_compression(cfg: DictConfig, words: Sequence[str]) -> None:
    """Raise ArgumentError if command-line words name a compression, and nothing of a composed config takes it."""
    named = next((word for word in words if word.lstrip("+").startswith("compression=")), None)
    chosen = cfg.get("design") or cfg.get("operator")
    if named is None or (chosen is not None and LINK in str(OmegaConf.to_container(chosen, resolve=False))):
        return
    without = "without an operator" if chosen is None else "with this design or operator"
    raise ArgumentError(
        f"{named}: {without} nothing is compressed by it: add operator=fourier or operator=pixel, or leave it out"
    )


def measured_words(plain: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Return domain, masks and compression of the measurement file that a composed config names, None if it names none."""
    path = plain["data"].get("path")
    if not str(path).endswith(SUFFIX):
        return None
    design = MeasurementFile.open(path, bool(plain["data"].get("recover"))).design
    return design.domain, str(design.family), f"C{design.compression_nominal:g}"
