"""The verb ``cryosense simulate``: make a particle stack with known truth."""

from __future__ import annotations

from pathlib import Path

import hydra
from hydra.utils import instantiate
from matplotlib.figure import Figure
from omegaconf import DictConfig

from cryosense.cli.conf_dir import conf_dir
from cryosense.cli.progress import progress
from cryosense.cli.refusal import one_line
from cryosense.cli.running import draw, identity, opening, say_if_done
from cryosense.reporting.figures.simulation import COLUMNS, draw_dataset
from cryosense.simulation.dataset import FIGURE, SIMULATION, write_dataset
from cryosense.simulation.particles import ParticleSimulator

# The data set does not depend on the portions in which it is made.
WITHOUT_EFFECT = ("chunk_size",)


def simulate(cfg: DictConfig, *, wait: bool = False) -> Path:
    """Make the data set of a composed ``simulate`` config unless it exists already; return its directory."""
    directory = Path(cfg.output_dir)
    open_run = opening(cfg, SIMULATION, identity(cfg, WITHOUT_EFFECT), "simulated")
    if not wait:  # else another verb needs the data
        say_if_done("simulate", open_run, directory)
    with open_run(directory, wait=wait) as run:
        if not run.done:
            simulator: ParticleSimulator = instantiate(cfg.simulator)
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


def at_a_glance(simulator: ParticleSimulator, count: int) -> Figure:
    """Return a simulated data set at a glance."""
    shown = simulator.chunk(range(min(COLUMNS, count)))
    size, title = simulator.pixel_size_angstrom, "with noise, without; true density"
    title = f"{count} particles of {simulator.box_size} px at {size:g} Å, SNR {simulator.snr:g}: {title}"
    defocus = shown.truth.ctf.defocus_u_angstrom
    return draw_dataset(shown.noisy, shown.clean, defocus, simulator.volumes, size, title)


@hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="simulate")
def main(cfg: DictConfig) -> None:
    """Simulate, and say where; input that cannot be used ends in one line that says why."""
    with one_line("simulate"):
        directory = simulate(cfg)
    print(f"{cfg.count} particles in {directory}: particles.star, clean.star, labels.csv; look at simulation.png")
