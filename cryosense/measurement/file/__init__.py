"""Measurements as a file of bytes; docs/file-format.md says what lies where."""

from cryosense.errors import MeasurementFileError
from cryosense.measurement.file.reading import MeasurementFile

SUFFIX = ".cryo.h5"

__all__ = ["SUFFIX", "MeasurementFile", "MeasurementFileError"]
