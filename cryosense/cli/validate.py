"""The verb ``cryosense validate``: noise, and particles without fine detail, through the chain; what comes out is invented."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import hydra
from omegaconf import DictConfig

from cryosense.cli import cells
from cryosense.cli.building import build, ctf_of, open_source
from cryosense.cli.conf_dir import conf_dir
from cryosense.cli.measured import refuse_other_measurement
from cryosense.cli.positional import in_full
from cryosense.cli.progress import progress
from cryosense.cli.refusal import one_line
from cryosense.cli.running import check_formats, draw, identity, opening, say_if_done, seen
from cryosense.reporting.figures.validation import draw_validation
from cryosense.runs.devices import device_named
from cryosense.tasks.maps.alignments import Alignments
from cryosense.tasks.validate.validation import VALIDATION, Validation

KEYS = ("reference", "cutoff_angstrom", "randomise_below", "ctf_correction", "most_particles", "significance")
GRID = ("pad_factor", "regularisation", "align_noise_to_angstrom")
WITHOUT_EFFECT = cells.WITHOUT_EFFECT_ON_WEIGHT  # what a run keeps changes no check


def validate(cfg: DictConfig) -> bool:
    """Make the checks of a composed ``validate`` config unless they are made; return whether all are passed."""
    check_formats(cfg.formats)
    device_named(cfg.device)  # refused before anything is opened
    directory, source = Path(cfg.output_dir), open_source(cfg)
    alignments = Alignments.of(source.images, with_ctf=cfg.ctf_correction)
    fingerprint = f"{source.data_fingerprint} {alignments.fingerprint()}"
    files = seen([*source.files, cfg.reference])
    open_run = opening(cfg, VALIDATION, identity(cfg, WITHOUT_EFFECT), fingerprint, files)
    say_if_done("validate", open_run, directory)
    with open_run(directory) as run:
        if not run.done:
            settings = {key: cfg[key] for key in (*KEYS, *GRID)}
            checks = Validation(run=replace(build(cfg, "validation", source, files), ctf=ctf_of(cfg, source)), **settings)
            with progress(6 * min(len(checks.run.particles), checks.most_particles), "image", "validate") as bar:
                made = checks.make(bar.update)
            summary = made.write(directory)
            shown = made.curves, made.cutoff, made.box_angstrom
            draw(directory / "validation.png", cfg.formats, draw_validation, *shown)
            run.finish(summary)
        return bool(run.summary["passed"])


@hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="validate")
def _validate(cfg: DictConfig) -> None:
    with one_line("validate"):
        passed = validate(cfg)
    print((Path(cfg.output_dir) / "validation.md").read_text())
    print(f"{'passed' if passed else 'FAILED'}; look at {Path(cfg.output_dir) / 'validation.png'}")


def main() -> None:
    """Validate what the command line names; input that cannot be used ends in one line that says why."""
    sys.argv[1:] = in_full("validate", sys.argv[1:])
    with one_line("validate"):
        refuse_other_measurement(sys.argv[1:])
    _validate()
