"""``cryosense reconstruct``: data x operator x reconstructor; one run directory for each combination."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import Any

import hydra
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from tqdm import tqdm

from cryosense.apps.conf_dir import conf_dir
from cryosense.apps.refusal import one_line
from cryosense.data import usable_particles
from cryosense.results.run import Run, execute

# Where and in what portions a run is made does not change it.
WITHOUT_EFFECT = ("output_dir", "chunk_size")


def build(cfg: DictConfig, run_id: str) -> Run:
    """-> the run that a composed ``reconstruct`` config describes, its particles checked."""
    source = instantiate(cfg.data).transformed(instantiate(cfg.geometry))
    usable = usable_particles(source.images, cfg.chunk_size, cfg.data_checks.skip_bad)
    source = source.select(usable)
    return Run(
        run_id=run_id,
        source=source,
        particles=usable,
        shard=shard(len(usable), **cfg.shard),
        scaling=instantiate(cfg.scaling).fit(source.images, cfg.chunk_size),
        design=instantiate(cfg.operator),
        noise=instantiate(cfg.noise),
        reconstructor=instantiate(cfg.reconstructor),
        fitting=instantiate(cfg.fitting),
        scores=instantiate(cfg.scores),
        bits_per_number=cfg.bits_per_number,
        seed=cfg.seed,
        write_images=cfg.write_images,
        write_samples=cfg.write_samples,
        draw_example=cfg.draw_example,
        chunk_size=cfg.chunk_size,
    )


def shard(particles: int, index: int, count: int) -> range:
    """-> positions of the particles of one of ``count`` shards, neighbours all. Raises ValueError if there is none such."""
    if not 0 <= index < count <= particles:
        raise ValueError(f"shard.index={index} of shard.count={count}: at least one particle each is needed, counted from 0")
    return range(particles * index // count, particles * (index + 1) // count)


def reconstruct(cfg: DictConfig) -> Path:
    """Do the run of a composed config unless it is done. -> its directory, named by its configuration."""
    plain: Any = OmegaConf.to_container(cfg, resolve=True, throw_on_missing=True)
    identity = OmegaConf.to_yaml(OmegaConf.create({k: v for k, v in plain.items() if k not in WITHOUT_EFFECT}))
    run_id = hashlib.sha256(identity.encode()).hexdigest()[:12]
    run = build(cfg, run_id)
    label = f"{run.design.domain}-{run.design.family}-C{run.design.compression:g}-{run.reconstructor.name}"
    directory = Path(cfg.output_dir) / f"{label}-{run_id}"
    with tqdm(total=len(run.shard), unit="particle", desc=label) as bar:
        execute(run, directory, identity, bar.update)
    return directory


def with_stack_named(words: list[str]) -> list[str]:
    """Command-line words with ``data=stack`` beside the first that names a file of it, unless the data are chosen already.

    Beside it and not in front of all: between overrides a flag such as ``-m`` is not understood.
    """
    first = next((i for i, word in enumerate(words) if word.startswith("data.path=")), None)
    chosen = any(word.startswith("data=") for word in words)
    return words if first is None or chosen else [*words[:first], "data=stack", *words[first:]]


@hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="reconstruct")
def _reconstruct(cfg: DictConfig) -> None:
    with one_line("reconstruct"):
        print(reconstruct(cfg))


def main() -> None:
    """Reconstruct what the command line names; input that cannot be used ends in one line that says why."""
    sys.argv[1:] = with_stack_named(sys.argv[1:])
    _reconstruct()
