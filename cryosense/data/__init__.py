"""Particle stacks: reading them lazily with their metadata, scaling and cropping them, writing them back."""

from .errors import ParticleDataError
from .star import write_star
from .writer import StackWriter

__all__ = ["ParticleDataError", "StackWriter", "write_star"]
