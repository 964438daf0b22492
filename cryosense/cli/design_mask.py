"""``cryosense design-mask``: from an uncompressed pilot to the masks that keep the most resolution."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import hydra
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from cryosense.cli.conf_dir import conf_dir
from cryosense.cli.refusal import one_line
from cryosense.tasks.mask_design.mask_design import CONFIG, MaskDesign
from cryosense.tasks.mask_design.pilots import read_curve

# Where the design is written and what it is compared with do not change it.
WITHOUT_EFFECT = ("output_dir", "obtained", "design")


def design(cfg: DictConfig) -> dict[str, object]:
    """Make the design of a composed ``design-mask`` config. -> what sums it up."""
    plain: Any = OmegaConf.to_container(cfg, resolve=True, throw_on_missing=True)
    identity = OmegaConf.to_yaml(OmegaConf.create({k: v for k, v in plain.items() if k not in WITHOUT_EFFECT}))
    made: MaskDesign = instantiate(cfg.design)
    obtained = None if cfg.obtained is None else read_curve(Path(cfg.obtained) / "fsc.csv", cfg.pilot.curve)[0]
    return made.run(Path(cfg.output_dir), identity, obtained)


@hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="design-mask")
def main(cfg: DictConfig) -> None:
    """Design, and say how the masks are given to other verbs; input that cannot be used ends in one line that says why."""
    with one_line("design-mask"):
        summary = design(cfg)
    for name, value in summary.items():
        print(f"{name}: {value:.4g}" if isinstance(value, float) else f"{name}: {value}")
    masks = "operator=fourier operator/masks=designed operator.per_particle=true"
    masks += f" compression={summary['compression']:.6g}"
    print(f"{Path(cfg.output_dir) / CONFIG}; look at {'design' if cfg.obtained is None else 'obtained'}.png. To use it:")
    print(f"cryosense backproject --config-dir {cfg.output_dir} {masks} data.path=...")
