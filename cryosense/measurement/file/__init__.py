"""Measurements as a file of bytes; docs/file-format.md describes its layout."""

from cryosense.errors import MeasurementFileError
from cryosense.measurement.file.reading import MeasurementFile
from cryosense.measurement.file.source import SUFFIX, MeasuredSource, open_particles

__all__ = ["SUFFIX", "MeasuredSource", "MeasurementFile", "MeasurementFileError", "open_particles"]
