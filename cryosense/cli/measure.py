"""The verb ``cryosense measure``: from a particle stack to a file of what was measured of it."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import hydra
import torch
from hydra.utils import instantiate
from omegaconf import DictConfig

from cryosense.cli.building import SURVEYS, design_for, open_images, spread, usable
from cryosense.cli.conf_dir import conf_dir
from cryosense.cli.measured import refuse_idle_compression
from cryosense.cli.positional import in_full
from cryosense.cli.progress import progress
from cryosense.cli.refusal import one_line
from cryosense.cli.running import identity, seen
from cryosense.cli.stack_work import say_unfinished
from cryosense.data import ParticleSource, ParticleStack, SurveyRecord
from cryosense.data.unused import unused_columns
from cryosense.errors import ArgumentError
from cryosense.measurement.file import SUFFIX, MeasurementFile
from cryosense.runs.code import code_version
from cryosense.runs.devices import device_named
from cryosense.runs.identity import Identity
from cryosense.runs.inputs import Stamps
from cryosense.runs.own_code import own_code
from cryosense.runs.provenance import surroundings
from cryosense.runs.shards import Sharding
from cryosense.tasks.maps.columns import check_columns
from cryosense.tasks.measure.made import is_made
from cryosense.tasks.measure.measuring import Measuring, at_work, parts_of, remove_left

# Where, by how many and in what portions the file is made does not change it.
WITHOUT_EFFECT = ("output", "chunk_size", "part_particles", "shard", "threads", "device")
RECORDED = ("commit", "versions")  # of the surroundings; hardware and time would make each file another


def measure(cfg: DictConfig) -> bool:
    """Make the file of a composed ``measure`` config unless it exists; return whether it does, or shards are missing."""
    if cfg.threads is not None:
        torch.set_num_threads(cfg.threads)
    device, path = device_named(cfg.device), Path(cfg.output)
    if not path.name.endswith(SUFFIX):
        raise ArgumentError(f"output={path}: a measurement file is named *{SUFFIX}")
    sharding, source = Sharding(cfg.shard.index, cfg.shard.count), open_images(cfg)
    check_columns(source.images)
    files = seen(source.files)
    for note in notes(source.images):
        print(f"cryosense measure: {note}", file=sys.stderr)
    configuration = identity(cfg, WITHOUT_EFFECT)
    own = Identity(configuration, source.data_fingerprint, code_version() + own_code(configuration))
    with progress(len(source.images) // sharding.count, "particle", "measure") as bar:
        if is_made(path, own, source.images.box_size, cfg.rerun):
            bar.update(bar.total or 0)
            remove_left(path)
            print(f"cryosense measure: {path}: skipped, it is done already", file=sys.stderr)
            return True
        with at_work(path, sharding):
            return measuring(cfg, source, files, sharding, device).make(path, own, cfg.rerun, bar.update)


def notes(images: ParticleStack) -> list[str]:
    """Return notes on columns that say how images came about, which are measured as they are."""
    lost = images.tables.not_read
    kept = [name for name in unused_columns(images.tables, ()) if name not in lost]
    return [
        *([f"not used, kept in the file: {', '.join(kept)}"] if kept else []),
        *([f"the file has no place for {', '.join(lost)}"] if lost else []),
    ]


def measuring(cfg: DictConfig, source: ParticleSource, files: Stamps, sharding: Sharding, device: torch.device) -> Measuring:
    """Return what the file of a composed ``measure`` config is made of; images are looked at unless a shard has done so."""
    parts = {name: instantiate(cfg[name]) for name in ("noise", "quantiser")}
    numbers = spread(len(source.images), cfg.particles)
    design = design_for(cfg, source.images.box_size, numbers)  # refused before parts are begun
    record = SurveyRecord.for_data(parts_of(Path(cfg.output)) / SURVEYS, source.data_fingerprint, files, numbers)
    survey = record.survey(source.images.select(numbers), cfg.chunk_size)
    kept = usable(survey, source.images.path, cfg.data_checks.skip_bad, numbers)
    return Measuring(
        source=source.select(kept),
        particles=kept,
        scaling=instantiate(cfg.scaling).fit_to(survey.mean, survey.deviation),
        design=design,
        **parts,
        provenance={key: value for key, value in surroundings().items() if key in RECORDED},
        part_particles=cfg.part_particles,
        sharding=sharding,
        chunk_size=cfg.chunk_size,
        files=files,
        table_decimals=cfg.table_decimals,
        device=device,
    )


@hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="measure")
def _measure(cfg: DictConfig) -> None:
    with one_line("measure"):
        refuse_idle_compression(cfg, sys.argv[1:])
        made = measure(cfg)
        if not made:
            say_unfinished(cfg, f"{cfg.output}.parts")
            return
        file = MeasurementFile.open(cfg.output)
    each = f"{file.bytes_per_particle:.1f} bytes each, {file.ratio:.1f} times less than float32"
    print(f"{cfg.output}: {len(file)} particles, {each}")
    named = shlex.quote(str(cfg.output))
    print(f"a map of it: cryosense backproject {named}")
    print(f"images of it: cryosense reconstruct {named} reconstructor=pinv scores.lpips=null")


def main() -> None:
    """Measure what the command line names; input that cannot be used ends in one line that says why."""
    sys.argv[1:] = in_full("measure", sys.argv[1:])
    _measure()
