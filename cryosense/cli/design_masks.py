"""``cryosense design kind=masks``: from an uncompressed pilot to the masks that keep the most resolution."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from hydra.utils import instantiate
from omegaconf import DictConfig
from torch import Tensor

from cryosense.cli.running import draw, identity, opening, say_if_done, seen
from cryosense.errors import ArgumentError
from cryosense.files.limits import read_json
from cryosense.reporting.figures.mask_design import draw_design
from cryosense.tasks.mask_design.mask_design import CONFIG, DESIGN, MaskDesign
from cryosense.tasks.mask_design.pilots import read_curve

# The design does not depend on what it is compared with.
WITHOUT_EFFECT = ("obtained", "design", "alignment")


def design_masks(cfg: DictConfig) -> dict[str, Any]:
    """Make the masks of a composed config unless they are made; return a summary."""
    own, directory, files = identity(cfg, WITHOUT_EFFECT), Path(cfg.output_dir), seen([cfg.ctf, cfg.pilot_ctf])
    task: MaskDesign = instantiate(cfg.design)
    obtained = None if cfg.obtained is None else read_curve(Path(cfg.obtained) / "fsc.csv", cfg.pilot.curve)[0]
    shells = task.pilot.box_size // 2 + 1
    if obtained is not None and len(obtained) != shells:
        raise ArgumentError(f"obtained: a curve of {len(obtained)} shells, the pilot has {shells}: use one box size")
    open_run = opening(cfg, DESIGN, own, task.pilot.fingerprint(), files)
    say_if_done("design", open_run, directory)
    with open_run(directory) as run:
        if not run.done:
            made = task.make()
            made.write(directory)
            _draw(directory / "design.png", cfg.formats, task, None)
            run.finish({})
        if obtained is not None:
            _draw(directory / "obtained.png", cfg.formats, task, obtained)
    return read_json(directory / "design.json")


def to_use(cfg: DictConfig, summary: dict[str, Any]) -> list[str]:
    """Return in lines how masks are given to other verbs."""
    masks = "operator=fourier operator/masks=designed operator.per_particle=true"
    masks += f" compression={summary['compression']:.6g}"
    look = "design" if cfg.obtained is None else "obtained"
    return [
        f"{Path(cfg.output_dir) / CONFIG}; look at {look}.png. To use it:",
        f"cryosense backproject --config-dir {cfg.output_dir} {masks} data.path=...",
    ]


def _draw(path: Path, formats: list[str], task: MaskDesign, obtained: Tensor | None) -> None:
    """Draw the design in the picture's folder, beside an FSC (n // 2 + 1,) that was obtained with its masks."""
    table, summary = pd.read_csv(path.with_name("profile.csv")), read_json(path.with_name("design.json"))
    draw(path, formats, draw_design, table, obtained, task.fsc_floor, task.pilot.pixel_size_angstrom, summary)
