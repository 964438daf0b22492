"""``cryosense compare-latents A B``: are the same conformations found in two runs of the same particles?"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import hydra
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from tqdm import tqdm

from cryosense.cli.conf_dir import conf_dir
from cryosense.cli.positional import with_list_named
from cryosense.cli.refusal import one_line
from cryosense.tasks.latents.comparison import LatentComparison


def compare_latents(cfg: DictConfig) -> None:
    """Make the comparison of a composed ``compare-latents`` config unless it is made."""
    plain: Any = OmegaConf.to_container(cfg, resolve=True, throw_on_missing=True)
    identity = OmegaConf.to_yaml(OmegaConf.create({k: v for k, v in plain.items() if k != "output_dir"}))
    comparison: LatentComparison = instantiate(cfg.comparison)
    with tqdm(total=comparison.embeddings, unit="embedding", desc="compare-latents") as bar:
        comparison.execute(Path(cfg.output_dir), identity, bar.update)


@hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="compare-latents")
def _compare_latents(cfg: DictConfig) -> None:
    with one_line("compare-latents"):
        compare_latents(cfg)
    directory = Path(cfg.output_dir)
    print((directory / "comparison.md").read_text())
    picture = directory / "comparison.png"
    print(f"{directory}: comparison.csv, particles.csv{f'; look at {picture}' if picture.is_file() else ''}")


def main() -> None:
    """Compare what the command line names; input that cannot be used ends in one line that says why."""
    sys.argv[1:] = with_list_named(sys.argv[1:], "latents")
    _compare_latents()
