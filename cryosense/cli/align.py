"""``cryosense align``: a particle stack and a reference map to poses, for a STAR file that RELION takes."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import hydra
import pandas as pd
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from tqdm import tqdm

from cryosense.cli.conf_dir import conf_dir
from cryosense.cli.refusal import one_line
from cryosense.reporting.figures.poses import draw_poses
from cryosense.tasks.poses.run import ITERATIONS, STAR, TABLE, AlignmentRun

# Where, by how many and in what portions poses are found does not change them.
WITHOUT_EFFECT = ("output_dir", "chunk_size", "checkpoint_particles", "shard", "run")
FIGURE = "poses.png"


def align(cfg: DictConfig) -> bool:
    """Find the poses of a composed ``align`` config unless they are there. -> whether they are, or shards are missing."""
    plain: Any = OmegaConf.to_container(cfg, resolve=True, throw_on_missing=True)
    identity = OmegaConf.to_yaml(OmegaConf.create({k: v for k, v in plain.items() if k not in WITHOUT_EFFECT}))
    run: AlignmentRun = instantiate(cfg.run)
    for note in run.alignment.known.notes:
        print(f"cryosense align: {note}", file=sys.stderr)
    directory = Path(cfg.output_dir)
    total = len(run.alignment.images) // run.shard_count * max(1, run.refinement.iterations)
    with tqdm(total=total, unit="particle", desc="align") as bar:
        done = run.execute(directory, identity, bar.update)
    if done and not (directory / FIGURE).is_file():
        poses = pd.read_parquet(directory / TABLE)
        draw_poses(directory / FIGURE, poses, f"{len(poses)} particles against {Path(cfg.reference).name}")
    return done


@hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="align")
def main(cfg: DictConfig) -> None:
    """Align, and say where; input that cannot be used ends in one line that says why."""
    with one_line("align"):
        done = align(cfg)
    if not done:
        print(f"shard {cfg.shard.index} of {cfg.shard.count} is done, others are not yet\n{cfg.output_dir}")
        return
    directory = Path(cfg.output_dir)
    poses = pd.read_parquet(directory / TABLE)
    spread, largest = poses["cryosenseAngularSpread"], poses["rlnMaxValueProbDistribution"]
    print(f"posterior's spread about the pose: median {spread.median():.1f} degrees, above 20 for {(spread > 20).mean():.1%}")
    print(f"largest probability of one pose: median {largest.median():.2f}")
    for each in sorted(directory.glob(f"{ITERATIONS}/*/iteration.json")):
        print(f"{each.parent.name}: {describe(json.loads(each.read_text()))}")
    print(f"{directory}: {STAR}, {TABLE}; look at {FIGURE}")


def describe(iteration: dict[str, Any]) -> str:
    """-> an iteration in a line."""
    resolution, turned = iteration["resolution_angstrom"], iteration["median_turn_deg"]
    said = "no resolution" if resolution is None else f"half maps {resolution:.2f} Å"
    return said + ("" if turned is None else f", poses changed by {turned:.2f} degrees (median)")
