"""The verb ``cryosense inspect``: what is in a measurement file."""

from __future__ import annotations

import sys
from pathlib import Path

import hydra
from omegaconf import DictConfig

from cryosense.cli.conf_dir import conf_dir
from cryosense.cli.positional import in_full
from cryosense.cli.refusal import one_line
from cryosense.cli.running import PICTURES, check_endings, check_formats, draw, writing
from cryosense.measurement.file import MeasurementFile
from cryosense.measurement.file.summary import summary
from cryosense.reporting.figures.measured import draw_measured


@hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="inspect")
def _inspect(cfg: DictConfig) -> None:
    with one_line("inspect"):
        check_formats(cfg.formats)
        picture = Path(cfg.picture or f"{cfg.path}.png")
        check_endings({"picture": picture}, *PICTURES)
        file = MeasurementFile.open(cfg.path, cfg.recover)
        print("\n".join(f"{name:<22} {said}" for name, said in summary(file).items()))
        with writing(picture):
            drawn = draw(picture, cfg.formats, draw_measured, file, cfg.particle)
    print(f"look at {', '.join(drawn)}")


def main() -> None:
    """Inspect the file that the command line names; one that cannot be read ends in one line that says why."""
    sys.argv[1:] = in_full("inspect", sys.argv[1:])
    _inspect()
