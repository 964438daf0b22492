"""The verb ``cryosense export particles.star``: what cryoDRGN needs besides a stack."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import hydra
from hydra.utils import instantiate
from omegaconf import DictConfig

from cryosense.cli.conf_dir import conf_dir
from cryosense.cli.positional import in_full
from cryosense.cli.refusal import one_line
from cryosense.cli.running import writing
from cryosense.data.cryodrgn_export import USED, write_cryodrgn
from cryosense.data.radians import POSE, radians_among
from cryosense.data.unused import unused_columns


def export(cfg: DictConfig) -> tuple[Path, Path]:
    """Write the files of a composed ``export`` config and return the paths of ``poses.pkl`` and ``ctf.pkl``."""
    images = instantiate(cfg.data).images
    unused = unused_columns(images.tables, USED)
    directory = Path(cfg.data.path).parent if cfg.output_dir is None else Path(cfg.output_dir)
    with writing(directory / "poses.pkl"):
        written = write_cryodrgn(directory, images)
    no_place = [f"cryoDRGN's files have no place for {', '.join(unused)}"] if unused else []
    for note in (*no_place, *radians_among(images.tables, POSE)):
        print(f"cryosense export: {note}", file=sys.stderr)
    return written


@hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="export")
def _export(cfg: DictConfig) -> None:
    with one_line("export"):
        poses, ctf = export(cfg)
    words = ["cryodrgn", "train_vae", cfg.data.path, "--poses", str(poses), "--ctf", str(ctf), "--zdim", "8"]
    print(f"{poses}, {ctf}. To use them:\n{shlex.join([*words, '-o', 'outputs/cryodrgn'])}")


def main() -> None:
    """Export what the command line names; input that cannot be used ends in one line that says why."""
    sys.argv[1:] = in_full("export", sys.argv[1:])
    _export()
