"""``cryosense backproject``: a particle stack with poses to half maps, full map and FSC."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import hydra
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from tqdm import tqdm

from cryosense.cli.conf_dir import conf_dir
from cryosense.cli.refusal import one_line
from cryosense.tasks.maps.backprojection import Backprojection

# Where, by how many and in what portions the maps are made does not change them.
WITHOUT_EFFECT = ("output_dir", "chunk_size", "checkpoint_particles", "shard", "backprojection")


def backproject(cfg: DictConfig) -> bool:
    """Make the maps of a composed ``backproject`` config unless they are there. -> whether they are, or shards are missing."""
    plain: Any = OmegaConf.to_container(cfg, resolve=True, throw_on_missing=True)
    identity = OmegaConf.to_yaml(OmegaConf.create({k: v for k, v in plain.items() if k not in WITHOUT_EFFECT}))
    run: Backprojection = instantiate(cfg.backprojection)
    for note in run.alignments.notes:
        print(f"cryosense backproject: {note}", file=sys.stderr)
    with tqdm(total=len(run.images) // run.shard_count, unit="particle", desc="backproject") as bar:
        return run.run(Path(cfg.output_dir), identity, bar.update)


@hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="backproject")
def main(cfg: DictConfig) -> None:
    """Back-project, and say where; input that cannot be used ends in one line that says why."""
    with one_line("backproject"):
        made = backproject(cfg)
    if not made:
        print(f"shard {cfg.shard.index} of {cfg.shard.count} is done, others are not yet\n{cfg.output_dir}")
        return
    directory = Path(cfg.output_dir)
    print((directory / "resolution.csv").read_text())
    summary = json.loads((directory / "done.json").read_text())
    if summary["equivalent_particles"] is not None:
        print(worth_in_words(summary["equivalent_particles"], summary["particles"]))
    print(f"{directory}: half1.mrc, half2.mrc, map.mrc, fsc.csv, fsc.star; look at fsc.png and anisotropy.png")
    if summary["warning"] is not None:
        print(f"cryosense backproject: warning: {summary['warning']}", file=sys.stderr)


def worth_in_words(equivalent: dict[str, float | None], particles: int) -> str:
    """-> one line: how many uncompressed particles these are worth, by half maps and by the cross-FSC."""
    by = {name: "unknown" if number is None else f"{number:.0f}" for name, number in equivalent.items()}
    return (
        f"{particles} particles are worth {by['cross']} uncompressed ones by the cross-FSC, {by['half_maps']} by half maps "
        "(more by half maps: the halves share what is not in the particles)"
    )
