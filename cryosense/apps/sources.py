"""The built-in data as a source of particles."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hydra import compose

from cryosense.apps.simulate import simulate
from cryosense.data import ParticleSource


def simulated(directory: str, overrides: Sequence[str], name: str) -> ParticleSource:
    """-> the data set of ``cryosense simulate`` with these overrides, made if it is not there yet, with its clean images."""
    made: Path = simulate(compose("simulate", overrides=[f"output_dir='{directory}'", *overrides]))
    return ParticleSource.open(made / "particles.star", None, made / "clean.star", None, None, name)
