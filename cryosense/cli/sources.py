"""The built-in data as a source of particles."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from hydra import compose

from cryosense.cli.simulate import simulate
from cryosense.data import ParticleSource
from cryosense.runs.claims import claimed_in_turn
from cryosense.simulation.dataset import DONE

CLAIM_EXPIRES_HOURS = 1.0  # of another host's, which is not to be asked whether it is still at work


def simulated(directory: str, overrides: Sequence[str], name: str) -> ParticleSource:
    """-> the data set of ``cryosense simulate`` with these overrides, made if it is not there yet, with its clean images.

    Of several processes that need it one makes it, and the others wait.
    """
    cfg = compose("simulate", overrides=[f"output_dir='{directory}'", *overrides])
    with nullcontext() if (Path(directory) / DONE).is_file() else claimed_in_turn(Path(directory), CLAIM_EXPIRES_HOURS):
        made = simulate(cfg)
    return ParticleSource.open(made / "particles.star", None, made / "clean.star", None, None, name)
