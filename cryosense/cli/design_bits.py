"""``cryosense design``: from particles with poses, or from a pilot, to bits for each shell."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path
from typing import Any

import pandas as pd
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from torch import Tensor

from cryosense.cli.advise import OF_DATA, sample_of
from cryosense.cli.building import open_images
from cryosense.cli.progress import progress
from cryosense.cli.running import draw, identity, opening, say_if_done, seen
from cryosense.data import ParticleSource
from cryosense.errors import ArgumentError, CryosenseError
from cryosense.files.limits import read_json
from cryosense.reporting.figures.bit_design import draw_bits
from cryosense.runs.inputs import Stamps
from cryosense.runs.run_directory import RunDirectory
from cryosense.tasks.advise.looking import Looked, look
from cryosense.tasks.advise.sample import Mapping, spread_over
from cryosense.tasks.design.bit_design import BitDesign
from cryosense.tasks.design.files import BITS, FIGURE, QUANTISER, SUMMARY, TABLE, write_design
from cryosense.tasks.design.known import Known
from cryosense.tasks.mask_design.pilots import Pilot

SCRATCH = "work"
OF_PILOTS = ("ctf", "pilot_ctf")


def design_bits(cfg: DictConfig) -> dict[str, Any]:
    """Make the bits of a composed config unless they are made; return a summary.

    Raises:
        CryosenseError: input that cannot be used, or a budget that is too small.
    """
    if OmegaConf.is_missing(cfg.data, "path"):
        cfg.data.path = None  # a pilot takes its place
    if _names_particles(cfg) == (cfg.pilot.path is not None):
        raise ArgumentError("data.path=... or pilot.path=... is needed, one of them: what the design is made from")
    task: BitDesign = instantiate(cfg.design)
    if cfg.pilot.path is not None:
        _of_pilot(cfg, task)
    else:
        _of_particles(cfg, task)
    return read_json(Path(cfg.output_dir) / SUMMARY)


def _of_pilot(cfg: DictConfig, task: BitDesign) -> None:
    own, pilot, directory = identity(cfg), _pilot(cfg), Path(cfg.output_dir)
    open_run = opening(cfg, BITS, own, pilot.fingerprint(), seen([cfg.ctf, cfg.pilot_ctf]))
    say_if_done("design", open_run, directory)
    with open_run(directory) as run:
        if not run.done:
            alignment = task.alignment
            told = cfg.particles, cfg.ctf, cfg.pilot_ctf, alignment.symmetry
            _finish(cfg, run, task, Known.of_pilot(pilot, *told, sought=alignment.sought))


def _names_particles(cfg: DictConfig) -> bool:
    return cfg.data.get("path", "data=simulated names itself") is not None


def _pilot(cfg: DictConfig) -> Pilot:
    plain: Any = OmegaConf.to_container(cfg.pilot)  # the path is a text, or a list of two
    return Pilot.open(plain["path"], "unmasked", plain["particles"])


def _of_particles(cfg: DictConfig, task: BitDesign) -> None:
    given = [f"{name}={cfg[name]}" for name in OF_PILOTS if cfg[name] is not None]
    if given:
        raise ArgumentError(f"{given[0]}: is for a pilot; particles have their CTFs in their own table: leave it out")
    own, source = identity(cfg), open_images(cfg)
    mapping: Mapping = instantiate(cfg.mapping)
    files, directory = seen(source.files), Path(cfg.output_dir)
    alignments = mapping.task(source).check()
    open_run = opening(cfg, BITS, own, f"{source.data_fingerprint} {alignments.fingerprint()}", files)
    say_if_done("design", open_run, directory)
    with open_run(directory) as run:
        if not run.done:
            try:
                looked = _look(cfg, source, files, spread_over(alignments.half_set, cfg.sample), mapping)
                count = cfg.particles or len(source.images)
                _finish(cfg, run, task, Known.of_sample(looked, count, mapping.symmetry, sought=task.alignment.sought))
            except CryosenseError:  # another budget is then asked for in the same directory
                for each in BITS.scratch:
                    shutil.rmtree(directory / each, ignore_errors=True)
                raise


def _look(cfg: DictConfig, source: ParticleSource, files: Stamps, numbers: Tensor, mapping: Mapping) -> Looked:
    scratch = Path(cfg.output_dir) / SCRATCH
    with progress(len(numbers), "particle", "design") as bar:
        sample = sample_of(cfg, source, files, numbers)
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        looked = look(sample, mapping, scratch, bar.update)
        bar.update((bar.total or 0) - bar.n)
    return looked


def _finish(cfg: DictConfig, run: RunDirectory, task: BitDesign, known: Known) -> None:
    directory = Path(cfg.output_dir)
    write_design(directory, task, known, task.make(known))
    draw(directory / FIGURE, cfg.formats, draw_bits, pd.read_csv(directory / TABLE), read_json(directory / SUMMARY))
    run.finish({"particles": known.signal.particles})


def to_use(cfg: DictConfig, summary: dict[str, Any]) -> list[str]:
    """Return in lines how the profile is given to ``measure``."""
    del summary
    data = ["..."] if cfg.pilot.path is not None else [shlex.quote(cfg.data.path)] if "path" in cfg.data else []
    named = [shlex.quote(word) for word in sys.argv[1:] if word.startswith(OF_DATA) and not word.startswith("data.path=")]
    words = ["--config-dir", shlex.quote(cfg.output_dir), *data, "quantiser=designed", *named, "output=designed.cryo.h5"]
    return [
        f"{Path(cfg.output_dir) / QUANTISER}; look at {FIGURE}. To use it:",
        " ".join(["cryosense measure", *words]),
    ]
