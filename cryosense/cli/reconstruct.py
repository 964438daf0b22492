"""``cryosense reconstruct``: data x operator x reconstructor; one run directory for each combination."""

from __future__ import annotations

import sys

import hydra
import torch
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from hydra.utils import instantiate
from omegaconf import DictConfig
from tqdm import tqdm

from cryosense.cli.cells import Cell
from cryosense.cli.conf_dir import conf_dir
from cryosense.cli.refusal import cause, one_line, reason
from cryosense.data import usable_particles
from cryosense.errors import ArgumentError
from cryosense.reporting.trackers import mirrored
from cryosense.runs.claims import BusyError
from cryosense.runs.failures import write_failure
from cryosense.tasks.reconstruct.execution import execute, is_done
from cryosense.tasks.reconstruct.run import Run
from cryosense.tasks.reconstruct.shards import merge_shards, shard, shards_done


def build(cfg: DictConfig, run_id: str) -> Run:
    """-> the run of all its particles that a composed ``reconstruct`` config describes, the particles checked."""
    source = instantiate(cfg.data).transformed(instantiate(cfg.geometry))
    usable = usable_particles(
        source.images, cfg.chunk_size, cfg.data_checks.skip_bad, spread(len(source.images), cfg.particles)
    )
    source = source.select(usable)
    return Run(
        run_id=run_id,
        source=source,
        particles=usable,
        shard=range(len(usable)),
        scaling=instantiate(cfg.scaling).fit(source.images, cfg.chunk_size),
        design=instantiate(cfg.get("design") or cfg.operator),
        noise=instantiate(cfg.noise),
        quantiser=instantiate(cfg.quantiser),
        reconstructor=instantiate(cfg.reconstructor),
        fitting=instantiate(cfg.fitting),
        scores=instantiate(cfg.scores),
        seed=cfg.seed,
        write_images=cfg.write_images,
        write_samples=cfg.write_samples,
        draw_example=cfg.draw_example,
        chunk_size=cfg.chunk_size,
    ).calibrated()


def spread(available: int, wanted: int | None) -> torch.Tensor | None:
    """-> (wanted,) particle numbers spread evenly over so many, None for all. Raises ArgumentError if there are fewer."""
    if wanted is None:
        return None
    if not 1 <= wanted <= available:
        raise ArgumentError(f"particles={wanted}: the stack has {available}; give a number up to that, or null for all")
    return torch.arange(wanted) * available // wanted


def reconstruct(cfg: DictConfig) -> Cell:
    """Do the run of a composed config unless it is done; of a shard, what is missing then. -> the run, done or its shard."""
    if cfg.threads is not None:
        torch.set_num_threads(cfg.threads)
    cell = Cell.of(cfg)
    run = build(cfg, cell.run_id)
    part = run if cell.shard_count == 1 else run.part(shard(len(run.particles), cell.shard_index, cell.shard_count), cell.name)
    weights, expires = cell.weights(run.source.fingerprint()), cfg.claim_expires_hours
    with tqdm(total=len(part.shard), unit="particle", desc=cell.label) as bar:
        if cell.shard_count > 1 and is_done(run, cell.run_directory, cell.identity):
            bar.update(len(part.shard))
        else:
            execute(part, cell.directory, cell.own_identity, bar.update, weights, expires)
            if cell.shard_count > 1 and shards_done(cell.run_directory, cell.shard_count):
                merge_shards(build(cfg, cell.run_id), cell.run_directory, cell.identity, cell.shard_count, weights, expires)
    if is_done(run, cell.run_directory, cell.identity):
        mirrored(instantiate(cfg.mirror), cell.run_directory)
    return cell


def reconstruct_in_sweep(cfg: DictConfig) -> None:
    """As :func:`reconstruct`, but whatever goes wrong is written down in the run's directory, and the sweep goes on."""
    cell = Cell.of(cfg)
    try:
        print(reconstruct(cfg).directory_now)
    except BusyError as busy:
        print(f"left to others: {busy}")
    except Exception as error:  # noqa: BLE001 - a defect in one cell must not cost its neighbours; error.json has the traceback
        print(f"cryosense reconstruct: {cell.directory}: {reason(error)}", file=sys.stderr)
        write_failure(cell.directory, cell.own_identity, reason(error), cause(error))


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
        if HydraConfig.get().mode == RunMode.MULTIRUN:
            reconstruct_in_sweep(cfg)
        else:
            print(reconstruct(cfg).directory_now)


def main() -> None:
    """Reconstruct what the command line names; input that cannot be used ends in one line that says why."""
    sys.argv[1:] = with_stack_named(sys.argv[1:])
    _reconstruct()
