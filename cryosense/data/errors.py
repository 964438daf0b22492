"""The one error of this room."""


class ParticleDataError(ValueError):
    """A particle stack, its metadata or an output file cannot be used; the message names the file, the field and the fix."""
