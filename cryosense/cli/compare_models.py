"""The verb ``cryosense compare-models a.cif b.cif``: atomic models against each other and a map."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import hydra
from hydra.utils import instantiate
from omegaconf import DictConfig

from cryosense.cli.conf_dir import conf_dir
from cryosense.cli.positional import in_full
from cryosense.cli.refusal import one_line
from cryosense.cli.running import draw, identity, opening, say_if_done, seen
from cryosense.reporting.figures.atomic_models import draw_models
from cryosense.runs.inputs import digest_of
from cryosense.tasks.atomic_models.run import MODELS, ModelRun

WITHOUT_EFFECT = ("run",)


def compare_models(cfg: DictConfig) -> dict[str, object]:
    """Compare the models of a composed ``compare-models`` config unless that is done; return a summary."""
    directory = Path(cfg.output_dir)
    task: ModelRun = instantiate(cfg.run)
    task.check()
    files = seen(task.files)
    open_run = opening(cfg, MODELS, identity(cfg, WITHOUT_EFFECT), digest_of(task.files), files)
    say_if_done("compare-models", open_run, directory)
    with open_run(directory) as run:
        if not run.done:
            made = task.make()
            summary = made.write(directory)
            residues = None if made.found is None else made.found.residues
            title, within = "   ".join(made.names), task.comparison.within_angstrom
            shown = residues, made.curves, within, task.most_chains, title
            draw(directory / "models.png", cfg.formats, draw_models, *shown)
            run.finish(summary)
        return run.summary


@hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="compare-models")
def _compare(cfg: DictConfig) -> None:
    with one_line("compare-models"):
        summary = compare_models(cfg)
    directory = Path(cfg.output_dir)
    print((directory / "models.md").read_text())
    print(f"{directory}: chains.csv, residues.csv; look at models.png")
    warnings: Any = summary["warnings"]
    for warning in warnings:
        print(f"cryosense compare-models: warning: {warning}", file=sys.stderr)


def main() -> None:
    """Compare what the command line names; input that cannot be used ends in one line that says why."""
    sys.argv[1:] = in_full("compare-models", sys.argv[1:])
    _compare()
