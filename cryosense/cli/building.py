"""A reconstruction run, or one of what is built on it, from a composed configuration."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from hydra.utils import get_object, instantiate
from omegaconf import DictConfig
from tqdm import tqdm

from cryosense import seeding
from cryosense.data import ParticleSource, Survey, SurveyRecord
from cryosense.errors import ArgumentError
from cryosense.fusing import fuse
from cryosense.measurement.design import Design
from cryosense.measurement.file import MeasuredSource
from cryosense.measurement.particle_ctf import ParticleCtf, check_choice, states_ctf
from cryosense.runs.devices import device_named
from cryosense.runs.inputs import Stamps

if TYPE_CHECKING:  # what runs are made of takes a while to import, and other verbs need only what is small here
    from cryosense.tasks.reconstruct.run import Run

SURVEYS = ".data"
KEPT = ("seed", "write_images", "write_samples", "chunk_size", "relion_root")
PARTS = ("noise", "quantiser", "reconstructor", "fitting", "scores", "scaling")


def open_source(cfg: DictConfig) -> ParticleSource:
    """Return the particles that a composed config names, after its geometry; no image is read.

    Raises:
        ParticleDataError: whatever makes them unusable, and headers that contradict the table's pixel size.
    """
    source: ParticleSource = instantiate(cfg.data)
    source.images.check_pixel_size()
    return source.transformed(instantiate(cfg.geometry))


def open_images(cfg: DictConfig) -> ParticleSource:
    """Return the particles as ``open_source`` does, of which images are needed as they were recorded.

    Raises:
        ArgumentError: a measurement file.
    """
    source = open_source(cfg)
    if isinstance(source, MeasuredSource):
        raise ArgumentError(f"path={source.file.path}: is compressed already; give the particles that it was measured of")
    return source


def design_for(cfg: DictConfig, box_size: int, numbers: torch.Tensor) -> Design:
    """Return the design of a composed config, whose operator can be made for particles of this box.

    Raises:
        ArgumentError: an odd box, which no operator takes; whatever else keeps the operator from being made.
    """
    if box_size % 2:
        cure = f"geometry=centre_crop geometry.size={box_size - 1}"
        raise ArgumentError(f"geometry: the box of {box_size} px is odd: crop to an even one, as by {cure}")
    design: Design = instantiate(cfg.get("design") or cfg.operator)
    design.operator(box_size, numbers[:1])
    return design


def usable(survey: Survey, path: Path, skip_bad: bool, numbers: torch.Tensor) -> torch.Tensor:
    """Return the numbers of the particles that can be used (see ``Survey.usable``), and say which are left out."""
    found: torch.Tensor = survey.usable(path, skip_bad, numbers)
    if survey.bad:
        tqdm.write(f"cryosense: leaves out {survey.named(numbers)}", file=sys.stderr)
    return found


def build(cfg: DictConfig, run_id: str, source: ParticleSource, files: Stamps) -> Run:
    """Return the run of all its particles that a composed ``reconstruct`` config describes.

    Everything is made and checked first; then every image is looked at, unless another run has done so: for what is usable,
    and for the scaling.
    """
    from cryosense.tasks.reconstruct.run import Run

    device = device_named(cfg.device)
    parts = {name: instantiate(cfg[name]) for name in PARTS}
    for module in ("reconstructor", "scores"):
        parts[module].to(device)
    if cfg.compile:
        fuse(parts["reconstructor"].networks())
    settings = {name: cfg[name] for name in KEPT if name in cfg} | {"device": device}
    if isinstance(source, MeasuredSource):
        return _of_file(source.select(spread(len(source.images), cfg.particles)), run_id, parts | settings)
    numbers = spread(len(source.images), cfg.particles)
    design = design_for(cfg, source.images.box_size, numbers)
    parts["reconstructor"].prepare(design.operator(source.images.box_size, numbers[:1]))
    parts["fitting"].check(parts["reconstructor"], source, len(numbers))
    record = SurveyRecord.for_data(Path(cfg.output_dir) / SURVEYS, source.data_fingerprint, files, numbers)
    survey = record.survey(source.images.select(numbers), cfg.chunk_size)
    kept = usable(survey, source.images.path, cfg.data_checks.skip_bad, numbers)
    return Run(
        run_id=run_id,
        source=source.select(kept),
        particles=kept,
        shard=range(len(kept)),
        design=design,
        **parts | settings | {"scaling": parts["scaling"].fit_to(survey.mean, survey.deviation)},
    ).calibrated()


def _of_file(source: MeasuredSource, run_id: str, settings: dict[str, Any]) -> Run:
    """Return the run of particles measured before: their file says how, and other settings of it are not used."""
    from cryosense.tasks.reconstruct.run import Run

    file, count = source.file, len(source.images)
    settings["reconstructor"].prepare(file.operator(source.positions[:1]))
    settings["fitting"].check(settings["reconstructor"], source, count)
    measured = {"noise": file.noise, "quantiser": file.quantiser, "scaling": source.scaling()}
    return Run(
        run_id=run_id,
        source=source,
        particles=source.numbers(torch.arange(count)),
        shard=range(count),
        design=file.design,
        **settings | measured,
    )


def ctf_of(cfg: DictConfig, source: ParticleSource) -> ParticleCtf | None:
    """Return the CTFs of a source's particles, by their numbers, if its table has them and the method of a config knows them.

    Raises:
        ArgumentError: an unknown choice, or whatever makes the method or the CTFs unusable.
    """
    wanted = check_choice(cfg.ctf) and cfg.get("ctf_correction", True)
    if not wanted or not _knows_ctf(cfg.reconstructor) or not states_ctf(source):
        return None
    return ParticleCtf.of(source, source.numbers(torch.arange(len(source.images))))


def _knows_ctf(settings: DictConfig) -> bool:
    """Return whether the method of a config uses CTFs; it is asked of runs that are done too, so nothing is opened."""
    given = dict(settings)
    if "denoiser" in given:
        given["denoiser"] = get_object(given["denoiser"]._target_)
    known: bool = getattr(get_object(settings._target_), "knows_ctf_with", lambda _: False)(given)
    return known


def spread(available: int, wanted: int | None) -> torch.Tensor:
    """Return particle numbers: all, or (wanted,), one from each of as many equal stretches of the stack.

    Which one is drawn, always the same: a fixed step would take all of one kind where kinds take turns, as half sets do.
    Raises ArgumentError if there are fewer.
    """
    if wanted is None:
        return torch.arange(available)
    if not 1 <= wanted <= available:
        raise ArgumentError(f"particles={wanted}: the stack has {available}; give a number up to that, or null for all")
    ends = torch.arange(wanted + 1) * available // wanted
    places = torch.from_numpy(seeding.generator(available, wanted).random(wanted))
    return ends[:-1] + (places * ends.diff()).long()
