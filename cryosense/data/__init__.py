"""Particle stacks: reading them lazily with their metadata, scaling and cropping them, writing them back."""

from cryosense.errors import ParticleDataError

from .checks import find_bad_particles, usable_particles
from .geometry import CentreCrop, Compose, FourierCrop, Geometry
from .halves import open_with_halves
from .hub import open_hub
from .scaling import AsIs, PerImage, Scaling, StackStatistics, UnitInterval, scaled_like
from .source import ParticleSource
from .stack import ParticleStack
from .star import naming_folder, write_star
from .survey import Survey, SurveyRecord, survey_of
from .writer import StackWriter

__all__ = [
    "AsIs",
    "CentreCrop",
    "Compose",
    "FourierCrop",
    "Geometry",
    "ParticleDataError",
    "ParticleSource",
    "ParticleStack",
    "PerImage",
    "Scaling",
    "StackStatistics",
    "StackWriter",
    "Survey",
    "SurveyRecord",
    "UnitInterval",
    "find_bad_particles",
    "naming_folder",
    "open_hub",
    "open_with_halves",
    "scaled_like",
    "survey_of",
    "usable_particles",
    "write_star",
]
