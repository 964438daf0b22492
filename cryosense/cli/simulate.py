"""``cryosense simulate``: make a particle stack with known truth."""

from __future__ import annotations

from pathlib import Path

import hydra
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from tqdm import tqdm

from cryosense.cli.conf_dir import conf_dir
from cryosense.cli.refusal import one_line
from cryosense.runs.provenance import begin_session, end_session
from cryosense.simulation.dataset import DONE, simulate_dataset

# Where and in what portions the data set is made does not change it.
WITHOUT_EFFECT = ("output_dir", "chunk_size")


def simulate(cfg: DictConfig) -> Path:
    """Make the data set of a composed ``simulate`` config unless it is there already. -> its directory."""
    identity = {key: value for key, value in _resolved(cfg).items() if key not in WITHOUT_EFFECT}
    simulator = instantiate(cfg.simulator)
    done = (Path(cfg.output_dir) / DONE).exists()
    with tqdm(total=cfg.count, unit="particle", desc="simulate", disable=done) as bar:
        directory = simulate_dataset(
            cfg.output_dir,
            simulator,
            count=cfg.count,
            chunk_size=cfg.chunk_size,
            config=identity,
            begun=begin_session,
            progress=bar.update,
        )
    if not done:
        end_session(directory)
    return directory


def _resolved(cfg: DictConfig) -> dict[str, object]:
    plain = OmegaConf.to_container(cfg, resolve=True, throw_on_missing=True)
    return {str(key): value for key, value in plain.items()} if isinstance(plain, dict) else {}


@hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="simulate")
def main(cfg: DictConfig) -> None:
    """Simulate, and say where; input that cannot be used ends in one line that says why."""
    with one_line("simulate"):
        directory = simulate(cfg)
    print(f"{cfg.count} particles in {directory}: particles.star, clean.star, labels.csv; look at simulation.png")
