"""The tree of errors that explain themselves in one line; every other error is a defect and keeps its traceback.

- CryosenseError: input that cannot be used
    - ArgumentError: a parameter was given a value that it cannot have; the message begins with its name
        - MaskError: a mask that cannot be drawn or that measures nothing
        - DecompositionError: it needs a decomposition that the operator does not have and that is too large to compute
        - NoiseError: noise that the operator cannot have
        - MeasurementError: parts that do not belong to one measurement
        - FittingError: methods cannot learn what they need from the images there are
        - QuantiserError: a quantiser that the measurement cannot have
    - FileError: a file or folder cannot be used; the message names it
        - ParticleDataError: a particle stack, its metadata, or an output file
        - ModelFileError: an atomic model
        - PipelineError: a diffusion model
        - UnrolledModelError: a trained unrolled solver
        - MeasurementFileError: measurements, or what is to become a file of them
        - UntrustedFileError: one of another kind
    - RunError: a run directory cannot be used
        - RunDirectoryError: it belongs to another run
        - BusyError: another process is at work in it
        - UnfinishedRunError: files that it should end with are not there
        - NoRunError: there is no finished run
        - UnusableRunError: its rows cannot be counted
    - ConfigError: a configuration cannot be composed
        - ForeignConfigError: it would run what is not cryosense's
    - MissingExtraError: a library that this needs is not installed
    - CodingError: bytes that are not what was coded
"""


class CryosenseError(ValueError):
    """Input that cannot be used; the message says why and what to do."""


class ArgumentError(CryosenseError):
    """A parameter was given a value that it cannot have; the message begins with its name."""


class MaskError(ArgumentError):
    """A mask that cannot be drawn or that measures nothing."""


class DecompositionError(ArgumentError):
    """A decomposition is needed that this operator does not have, and that is too large to be computed."""


class NoiseError(ArgumentError):
    """Noise that the stated operator cannot have."""


class MeasurementError(ArgumentError):
    """Parts that do not belong to one measurement."""


class FittingError(ArgumentError):
    """Methods cannot learn what they need from the images available."""


class QuantiserError(ArgumentError):
    """A quantiser that the measurement cannot have."""


class FileError(CryosenseError):
    """A file or folder that cannot be used; the message names it and says why."""


class ParticleDataError(FileError):
    """A particle stack, its metadata or an output file cannot be used; the message names the file, the field and the fix."""


class ModelFileError(FileError):
    """A file that holds no usable atomic model; the message names it and says why."""


class PipelineError(FileError):
    """A pipeline that cannot be used as a denoiser; the message says why and what to do."""


class UnrolledModelError(FileError):
    """A folder that cannot be used as an unrolled solver; the message says why and what to do."""


class MeasurementFileError(FileError):
    """A measurement file that cannot be used or written; the message names the file, what is wrong and the fix."""


class UntrustedFileError(FileError):
    """A file from an unknown source that cannot be used; the message names it and says why."""


class RunError(CryosenseError):
    """A run directory that cannot be used."""


class RunDirectoryError(RunError):
    """A directory that belongs to another run."""


class BusyError(RunError):
    """Another process is working in the directory."""


class UnfinishedRunError(RunError):
    """Files with which a run should end are missing."""


class NoRunError(RunError):
    """A directory without a finished run."""


class UnusableRunError(RunError):
    """A run directory whose rows cannot be counted; the message says why."""


class ConfigError(CryosenseError):
    """A configuration that cannot be composed."""


class ForeignConfigError(ConfigError):
    """A configuration that would run code other than cryosense's; the message names the place and says why."""


class MissingExtraError(CryosenseError):
    """A required library is not installed; the message names the extra that provides it."""


class CodingError(CryosenseError):
    """Bytes that are not what was coded."""
