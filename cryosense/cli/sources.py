"""The built-in data as a source of particles."""

from __future__ import annotations

from collections.abc import Sequence

from hydra import compose

from cryosense.cli.simulate import simulate
from cryosense.data import ParticleSource


def simulated(directory: str = "outputs/simulated", overrides: Sequence[str] = (), name: str = "simulated") -> ParticleSource:
    """Return the data set of ``cryosense simulate`` with these overrides, made if missing, with its clean images.

    Of several processes that need it one makes it, and the others wait. What other code has simulated is made again.
    """
    cfg = compose("simulate", overrides=[f"output_dir='{directory}'", "rerun=changed", *overrides])
    made = simulate(cfg, wait=True)
    return ParticleSource.open(made / "particles.star", None, made / "clean.star", None, None, name)
