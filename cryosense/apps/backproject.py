"""``cryosense backproject``: a particle stack with poses to half maps, full map and FSC."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import hydra
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from tqdm import tqdm

from cryosense.apps.conf_dir import conf_dir
from cryosense.apps.refusal import one_line
from cryosense.results.backprojection import Backprojection

# Where, by how many and in what portions the maps are made does not change them.
WITHOUT_EFFECT = ("output_dir", "chunk_size", "checkpoint_particles", "shard", "backprojection")


def backproject(cfg: DictConfig) -> bool:
    """Make the maps of a composed ``backproject`` config unless they are there. -> whether they are, or shards are missing."""
    plain: Any = OmegaConf.to_container(cfg, resolve=True, throw_on_missing=True)
    identity = OmegaConf.to_yaml(OmegaConf.create({k: v for k, v in plain.items() if k not in WITHOUT_EFFECT}))
    run: Backprojection = instantiate(cfg.backprojection)
    with tqdm(total=len(run.images) // run.shard_count, unit="particle", desc="backproject") as bar:
        return run.run(Path(cfg.output_dir), identity, bar.update)


@hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="backproject")
def main(cfg: DictConfig) -> None:
    """Back-project, and say where; input that cannot be used ends in one line that says why."""
    with one_line("backproject"):
        made = backproject(cfg)
    table = Path(cfg.output_dir) / "resolution.csv"
    print(table.read_text() if made else f"shard {cfg.shard.index} of {cfg.shard.count} is done, others are not yet")
    print(f"{cfg.output_dir}: half1.mrc, half2.mrc, map.mrc, fsc.csv, fsc.star; look at fsc.png" if made else cfg.output_dir)
