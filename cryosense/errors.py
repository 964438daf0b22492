"""The tree of errors that explain themselves in one line; every other error is a defect and keeps its traceback.

- CryosenseError
    - ParticleDataError: a particle stack, its metadata or an output file cannot be used
"""


class CryosenseError(ValueError):
    """Input that cannot be used; the message names what, why and the mend."""


class ParticleDataError(CryosenseError):
    """A particle stack, its metadata or an output file cannot be used; the message names the file, the field and the fix."""
