"""The verb ``cryosense simulate``: make a particle stack with known truth."""

from __future__ import annotations

from pathlib import Path

import hydra
import torch
from hydra.utils import get_class, instantiate
from matplotlib.figure import Figure
from omegaconf import DictConfig

from cryosense.cli.conf_dir import conf_dir
from cryosense.cli.progress import progress
from cryosense.cli.refusal import one_line
from cryosense.cli.running import draw, identity, opening, say_if_done
from cryosense.reporting.figures.simulation import COLUMNS, draw_dataset
from cryosense.simulation.dataset import FIGURE, SIMULATION, VARIED, Simulator, write_dataset
from cryosense.simulation.varied import VariedSimulator

# The data set does not depend on the portions in which it is made.
WITHOUT_EFFECT = ("chunk_size",)


def simulate(cfg: DictConfig, *, wait: bool = False) -> Path:
    """Make the data set of a composed ``simulate`` config unless it exists already; return its directory."""
    directory = Path(cfg.output_dir)
    kind = VARIED if get_class(cfg.simulator["_target_"]) is VariedSimulator else SIMULATION
    open_run = opening(cfg, kind, identity(cfg, WITHOUT_EFFECT), "simulated")
    if not wait:  # else another verb needs the data
        say_if_done("simulate", open_run, directory)
    with open_run(directory, wait=wait) as run:
        if not run.done:
            simulator: Simulator = instantiate(cfg.simulator)
            with progress(cfg.count, "particle", "simulate") as bar:
                summary = write_dataset(
                    directory,
                    simulator,
                    count=cfg.count,
                    chunk_size=cfg.chunk_size,
                    progress=bar.update,
                    relion_root=cfg.relion_root,
                )
            draw(directory / FIGURE, cfg.formats, at_a_glance, simulator, cfg.count)
            run.finish(summary)
    return directory


def at_a_glance(simulator: Simulator, count: int) -> Figure:
    """Return a simulated data set at a glance: its first particles, or the first of its first micrographs."""
    varied = isinstance(simulator, VariedSimulator)
    step = simulator.microscope.particles_per_micrograph if varied else 1
    numbers = list(range(0, count, step))[:COLUMNS]
    shown = [simulator.chunk(range(number, number + 1)) for number in numbers]
    noisy, clean = (torch.cat([getattr(each, name) for each in shown]) for name in ("noisy", "clean"))
    defocus = torch.cat([each.truth.ctf.defocus_u_angstrom for each in shown])
    size = simulator.group_pixel_sizes_angstrom(1)[0]
    return draw_dataset(noisy, clean, defocus, simulator.volumes, size, _title(simulator, count))


def _title(simulator: Simulator, count: int) -> str:
    what = f"{count} particles of {simulator.box_size} px"
    if isinstance(simulator, VariedSimulator):
        return f"{what} in micrographs of other molecules, pixel sizes and SNR: with noise, without"
    size, snr = simulator.pixel_size_angstrom, simulator.snr
    return f"{what} at {size:g} Å, SNR {snr:g}: with noise, without; true density"


@hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="simulate")
def main(cfg: DictConfig) -> None:
    """Simulate, and say where; input that cannot be used ends in one line that says why."""
    with one_line("simulate"):
        directory = simulate(cfg)
    print(f"{cfg.count} particles in {directory}: particles.star, clean.star, labels.csv; look at simulation.png")
