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
from cryosense.cli.running import refuse_unused_images, writing
from cryosense.data.cryodrgn_export import USED, folder_of_images, write_cryodrgn
from cryosense.data.radians import POSE, radians_among
from cryosense.data.unused import unused_columns
from cryosense.errors import ArgumentError
from cryosense.measurement.file import MeasuredSource


def export(cfg: DictConfig) -> list[str]:
    """Write the files of a composed ``export`` config and return words for cryoDRGN: its stack, where that is, the files.

    Raises:
        CryosenseError: particles that cryoDRGN does not read, cannot find, or whose table lacks what it needs.
    """
    refuse_unused_images({"data": dict(cfg.data)})
    source = instantiate(cfg.data)
    if isinstance(source, MeasuredSource):
        again = f"cryosense reconstruct {shlex.quote(str(cfg.data.path))} reconstructor=pinv scores.lpips=null"
        raise ArgumentError(f"path={cfg.data.path}: cryoDRGN reads no measurement file; make images ({again}), export those")
    images = source.images
    unused = unused_columns(images.tables, USED)
    by_name = Path(cfg.data.path).suffix.lower() in {".star", ".cs"}
    folder = folder_of_images(images) if by_name else None
    directory = Path(cfg.data.path).parent if cfg.output_dir is None else Path(cfg.output_dir)
    with writing(directory / "poses.pkl"):
        poses, ctf = write_cryodrgn(directory, images)
    no_place = [f"cryoDRGN's files have no place for {', '.join(unused)}"] if unused else []
    for note in (*no_place, *radians_among(images.tables, POSE)):
        print(f"cryosense export: {note}", file=sys.stderr)
    elsewhere = folder not in (None, Path(cfg.data.path).absolute().parent)
    return [cfg.data.path, *(["--datadir", str(folder)] if elsewhere else []), "--poses", str(poses), "--ctf", str(ctf)]


@hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="export")
def _export(cfg: DictConfig) -> None:
    with one_line("export"):
        words = export(cfg)
    line = shlex.join(["cryodrgn", "train_vae", *words, "--zdim", "8", "-o", "outputs/cryodrgn"])
    print(f"{words[-3]}, {words[-1]}. To use them:\n{line}")


def main() -> None:
    """Export what the command line names; input that cannot be used ends in one line that says why."""
    sys.argv[1:] = in_full("export", sys.argv[1:])
    _export()
