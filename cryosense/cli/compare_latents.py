"""The verb ``cryosense compare-latents A B``: whether two runs of the same particles find the same conformations."""

from __future__ import annotations

import sys
from pathlib import Path

import hydra
from hydra.utils import instantiate
from omegaconf import DictConfig

from cryosense.cli.conf_dir import conf_dir
from cryosense.cli.positional import in_full
from cryosense.cli.progress import progress
from cryosense.cli.refusal import one_line
from cryosense.cli.running import draw, identity, opening, say_if_done, seen
from cryosense.reporting.figures.latents import draw_comparison
from cryosense.runs.inputs import digest_of
from cryosense.tasks.latents.comparison import COMPARISON, LatentComparison


def compare_latents(cfg: DictConfig) -> None:
    """Make the comparison of a composed ``compare-latents`` config unless it is made."""
    directory = Path(cfg.output_dir)
    comparison: LatentComparison = instantiate(cfg.comparison)
    files = seen(comparison.files)
    fingerprint = digest_of(comparison.files)
    open_run = opening(cfg, COMPARISON, identity(cfg), fingerprint, files)
    say_if_done("compare-latents", open_run, directory)
    with open_run(directory) as run:
        if run.done:
            return
        with progress(comparison.embeddings, "embedding", "compare-latents") as bar:
            made = comparison.make(bar.update)
        summary = made.write(directory)
        if made.others:
            shown = made.runs[0], made.others, made.matchings
            draw(directory / "comparison.png", cfg.formats, draw_comparison, *shown)
        run.finish(summary)


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
    sys.argv[1:] = in_full("compare-latents", sys.argv[1:])
    _compare_latents()
