"""``cryosense measure``: a particle stack to a file of what was measured of it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import hydra
import torch
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from tqdm import tqdm

from cryosense.cli.conf_dir import conf_dir
from cryosense.cli.positional import with_word_named
from cryosense.cli.reconstruct import spread
from cryosense.cli.refusal import one_line
from cryosense.data import usable_particles
from cryosense.errors import ArgumentError
from cryosense.measurement.file import SUFFIX, MeasurementFile
from cryosense.runs.provenance import surroundings
from cryosense.tasks.measure.measuring import Measuring

# Where, by how many and in what portions the file is made does not change it.
WITHOUT_EFFECT = ("output", "chunk_size", "part_particles", "shard", "threads")
RECORDED = ("commit", "versions")  # of the surroundings; hardware and time would make each file another


def measure(cfg: DictConfig) -> bool:
    """Make the file of a composed ``measure`` config unless it is there. -> whether it is, or shards are missing."""
    if cfg.threads is not None:
        torch.set_num_threads(cfg.threads)
    path = Path(cfg.output)
    if not path.name.endswith(SUFFIX):
        raise ArgumentError(f"output={path}: a measurement file is named *{SUFFIX}")
    plain: Any = OmegaConf.to_container(cfg, resolve=True, throw_on_missing=True)
    identity = OmegaConf.to_yaml(OmegaConf.create({k: v for k, v in plain.items() if k not in WITHOUT_EFFECT}))
    source = instantiate(cfg.data).transformed(instantiate(cfg.geometry))
    numbers = spread(len(source.images), cfg.particles)
    if cfg.data_checks.skip_bad:
        numbers = usable_particles(source.images, cfg.chunk_size, True, numbers)
    particles = torch.arange(len(source.images)) if numbers is None else numbers
    source = source if numbers is None else source.select(particles)
    measuring = Measuring(
        source=source,
        particles=particles,
        scaling=instantiate(cfg.scaling).fit(source.images, cfg.chunk_size),
        design=instantiate(cfg.get("design") or cfg.operator),
        noise=instantiate(cfg.noise),
        quantiser=instantiate(cfg.quantiser),
        provenance={key: value for key, value in surroundings().items() if key in RECORDED},
        part_particles=cfg.part_particles,
        shard_index=cfg.shard.index,
        shard_count=cfg.shard.count,
        chunk_size=cfg.chunk_size,
    )
    with tqdm(total=len(particles) // cfg.shard.count, unit="particle", desc="measure") as bar:
        return measuring.run(path, identity, bar.update)


def with_operator_chosen(words: list[str]) -> list[str]:
    """Command-line words with ``~design`` behind them where they name an operator and no design."""
    named = any(word.startswith(("operator", "compression=")) for word in words)
    return [*words, "~design"] if named and not any(word.startswith(("design", "~design")) for word in words) else words


@hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="measure")
def _measure(cfg: DictConfig) -> None:
    with one_line("measure"):
        made = measure(cfg)
        if not made:
            print(f"shard {cfg.shard.index} of {cfg.shard.count} is done, others are not yet: {cfg.output}.parts")
            return
        file = MeasurementFile.open(cfg.output)
    each = f"{file.bytes_per_particle:.1f} bytes each, {file.ratio:.1f} times less than float32"
    print(f"{cfg.output}: {len(file)} particles, {each}")


def main() -> None:
    """Measure what the command line names; input that cannot be used ends in one line that says why."""
    sys.argv[1:] = with_operator_chosen(with_word_named(sys.argv[1:], "data.path"))
    _measure()
