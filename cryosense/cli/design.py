"""The verb ``cryosense design``: what to keep of each particle under a budget, by bits for each shell or by masks."""

from __future__ import annotations

import sys
from typing import Any

import hydra
from omegaconf import DictConfig

from cryosense.cli.conf_dir import conf_dir
from cryosense.cli.positional import in_full
from cryosense.cli.refusal import one_line

MASKS = "cryosense.tasks.mask_design.mask_design.MaskDesign"


def design(cfg: DictConfig) -> dict[str, Any]:
    """Make the design of a composed ``design`` config unless it is made; return a summary."""
    if cfg.design._target_ == MASKS:
        from cryosense.cli.design_masks import design_masks

        return design_masks(cfg)
    from cryosense.cli.design_bits import design_bits

    return design_bits(cfg)


@hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="design")
def _design(cfg: DictConfig) -> None:
    with one_line("design"):
        summary = design(cfg)
    warning = summary.pop("warning")
    for name, value in summary.items():
        print(f"{name}: {value:.4g}" if isinstance(value, float) else f"{name}: {value}")
    if cfg.design._target_ == MASKS:
        from cryosense.cli.design_masks import to_use
    else:
        from cryosense.cli.design_bits import to_use
    print("\n".join(to_use(cfg, summary)))
    if warning is not None:
        print(f"cryosense design: warning: {warning}", file=sys.stderr)


def main() -> None:
    """Design, and say how other verbs are given it; input that cannot be used ends in one line that says why."""
    sys.argv[1:] = in_full("design", sys.argv[1:])
    _design()
