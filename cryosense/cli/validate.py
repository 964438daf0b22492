"""``cryosense validate``: noise, and particles without fine detail, through the chain: what comes out is invented."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import hydra
from omegaconf import DictConfig, OmegaConf
from tqdm import tqdm

from cryosense.cli import cells
from cryosense.cli.conf_dir import conf_dir
from cryosense.cli.reconstruct import build, with_stack_named
from cryosense.cli.refusal import one_line
from cryosense.tasks.validate.validation import Validation

KEYS = ("reference", "cutoff_angstrom", "randomise_below", "ctf_correction", "most_particles", "significance")
GRID = ("pad_factor", "regularisation")
WITHOUT_EFFECT = cells.WITHOUT_EFFECT_ON_WEIGHT  # what a run keeps changes no check


def validate(cfg: DictConfig) -> bool:
    """Make the checks of a composed ``validate`` config unless they are made. -> whether all are passed."""
    plain: Any = OmegaConf.to_container(cfg, resolve=True, throw_on_missing=True)
    identity = OmegaConf.to_yaml(OmegaConf.create({k: v for k, v in plain.items() if k not in WITHOUT_EFFECT}))
    settings = {key: plain[key] for key in (*KEYS, *GRID)}
    checks = Validation(run=build(cfg, "validation"), **settings)
    with tqdm(total=6 * min(len(checks.run.particles), checks.most_particles), unit="image", desc="validate") as bar:
        return checks.execute(Path(cfg.output_dir), identity, bar.update)


@hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="validate")
def _validate(cfg: DictConfig) -> None:
    with one_line("validate"):
        passed = validate(cfg)
    print((Path(cfg.output_dir) / "validation.md").read_text())
    print(f"{'passed' if passed else 'FAILED'}; look at {Path(cfg.output_dir) / 'validation.png'}")


def main() -> None:
    """Validate what the command line names; input that cannot be used ends in one line that says why."""
    sys.argv[1:] = with_stack_named(sys.argv[1:])
    _validate()
