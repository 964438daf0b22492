"""``cryosense advise``: how far a particle stack can be compressed, and by which command."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Any

import hydra
import pandas as pd
import torch
from hydra.utils import instantiate
from omegaconf import DictConfig

from cryosense.cli.building import SURVEYS, open_images, usable
from cryosense.cli.conf_dir import conf_dir
from cryosense.cli.positional import in_full
from cryosense.cli.progress import progress
from cryosense.cli.refusal import one_line
from cryosense.cli.running import draw, identity, opening, say_if_done, seen
from cryosense.data import ParticleSource, SurveyRecord
from cryosense.files.limits import read_json
from cryosense.reporting.figures.advice import draw_advice
from cryosense.reporting.tables.advice import advice_text
from cryosense.runs.inputs import Stamps
from cryosense.tasks.advise.advice import Advice
from cryosense.tasks.advise.files import ADVICE, CHECKS, FIGURE, SUMMARY, TABLE, write_advice
from cryosense.tasks.advise.sample import Sample, spread_over

OF_DATA = ("data=", "data.", "data_checks.", "geometry")  # words that a recommended command needs, too


def advise(cfg: DictConfig) -> None:
    """Look, predict and check as a composed ``advise`` config says, unless it is done.

    Raises:
        CryosenseError: input that cannot be used, particles without poses, nothing resolved.
    """
    own, source = identity(cfg), open_images(cfg)
    task: Advice = instantiate(cfg.advice)
    files, directory = seen(source.files), Path(cfg.output_dir)
    alignments = task.mapping.task(source).check()
    numbers = spread_over(alignments.half_set, cfg.sample)
    data = f"{source.data_fingerprint} {alignments.fingerprint()}"
    open_run = opening(cfg, ADVICE, own, data, files)
    say_if_done("advise", open_run, directory)
    with open_run(directory) as run:
        if not run.done:
            sample = sample_of(cfg, source, files, numbers)
            with progress(len(sample) * (1 + 2 * cfg.checked), "particle", "advise") as bar:
                summary = write_advice(directory, task.make(sample, len(source.images), directory, bar.update))
                bar.update((bar.total or 0) - bar.n)
            _draw(directory, cfg.formats, summary)
            run.finish({"particles": summary["particles"]})


def sample_of(cfg: DictConfig, source: ParticleSource, files: Stamps, numbers: torch.Tensor) -> Sample:
    """Return the particles with these numbers that can be used, all of which are looked at for that."""
    record = SurveyRecord.for_data(Path(cfg.output_dir) / SURVEYS, source.data_fingerprint, files, numbers)
    survey = record.survey(source.images.select(numbers), 64)
    kept = usable(survey, source.images.path, cfg.data_checks.skip_bad, numbers)
    return Sample(source.select(kept), kept, survey.mean, survey.deviation, source.data_fingerprint)


def _draw(directory: Path, formats: list[str], summary: dict[str, Any]) -> None:
    table, checks = (pd.read_csv(directory / name) for name in (TABLE, CHECKS))
    title = f"{summary['particles']} particles of {summary['box_size']} px at {summary['pixel_size_angstrom']:g} Å"
    title += f": expected from the half maps of {summary['sample_particles']}"
    draw(directory / FIGURE, formats, draw_advice, table, checks, summary["answers"], title)


def commands(directory: str, path: str | None, names: list[str], words: list[str]) -> dict[str, str]:
    """Return for each answer the command that measures so; ``words``: others of the command line that name the data."""
    named = [shlex.quote(word) for word in words if word.startswith(OF_DATA) and not word.startswith("data.path=")]
    first = ["cryosense measure --config-dir", shlex.quote(directory), *([] if path is None else [shlex.quote(path)])]
    return {name: " ".join([*first, f"quantiser={name}", *named, f"output={name}.cryo.h5"]) for name in names}


def images_again(name: str) -> str:
    """Return, in two lines, the command that makes images of what was measured for an answer, which RELION takes."""
    command = f"cryosense reconstruct {name}.cryo.h5 reconstructor=pinv scores.lpips=null"
    return f"after that, images again, for RELION: a stack and its particles.star, in a folder below outputs\n  {command}\n"


@hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="advise")
def _advise(cfg: DictConfig) -> None:
    with one_line("advise"):
        advise(cfg)
        directory = Path(cfg.output_dir)
        summary = read_json(directory / SUMMARY)
        table, checks = (pd.read_csv(directory / name) for name in (TABLE, CHECKS))
        by_name = commands(cfg.output_dir, cfg.data.get("path"), list(summary["answers"]), sys.argv[1:])
    print(advice_text(table, checks, summary, by_name, cfg.poses))
    if by_name:
        print(images_again(next(iter(by_name))))
    print(f"{directory}: {TABLE}, {CHECKS}, spectra.csv; look at {FIGURE}")


def main() -> None:
    """Advise on the stack that the command line names; input that cannot be used ends in one line that says why."""
    sys.argv[1:] = in_full("advise", sys.argv[1:])
    _advise()
