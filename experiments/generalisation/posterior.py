"""Samples of the learned posterior on molecules that no training has seen: their mean, their intervals; see README.md.

Writes posterior.csv and posterior.md beside this file, or into the folder of ``results``. On a GPU minutes, else an hour for
one particle of each.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pandas as pd
import torch
from intervals import LEVELS, have_ranks, in_ranks, in_students, rms, share
from methods import design, version
from molecules import Molecule, Particles, half_and_half, molecules, scaled, seeds_of, stacked_scale
from omegaconf import DictConfig, OmegaConf
from posterior_tables import tables
from run import HERE, Cell, cells, settings

from cryosense.measurement import Measurement
from cryosense.metrics import correlation, psnr
from cryosense.reconstructors import LearnedPosterior, Unrolled, Wiener
from cryosense.runs.devices import device_named


def made(name: str, study: DictConfig) -> dict[bool, Particles]:
    """-> the particles of one molecule at SNR 1, in white noise and coloured; made once and kept."""
    path = Path(study.output_dir) / "particles" / f"{name}_{study.held_back}_{study.particles}.pt"
    if not path.is_file():
        molecule = next(molecules(OmegaConf.merge(study, {"only": [name]})))
        count = study.held_back + study.particles
        kinds = {False, *([True] if study.coloured_snr else [])}
        of = {kind: molecule.particles(count, 1.0, coloured=kind, box_size=study.box_size) for kind in kinds}
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save({kind: tuple(vars(each).values()) for kind, each in of.items()}, path)
    return {kind: Particles(*each) for kind, each in torch.load(path, weights_only=True).items()}


def at(snr: float, particles: Particles) -> Particles:
    """-> particles of SNR 1 at another, their noise as it is."""
    clean = snr**0.5 * particles.clean
    return Particles(clean + particles.images - particles.clean, clean, particles.ctf)


@torch.no_grad()
def scored(molecule: Molecule, study: DictConfig, cell: Cell, device: torch.device) -> pd.DataFrame:
    """-> scores of each particle: of Wiener, the learned solver, one sample, the mean of all; and what intervals cover."""
    particles = at(cell.snr, made(molecule.name, study)[cell.coloured])
    known, asked = half_and_half(scaled(particles, *stacked_scale(particles.images)), study.held_back)
    domain, compression, own = study.operators[cell.family]
    drawn = design(cell.family, domain, compression, own, seeds_of(molecule, cell.snr, cell.coloured))
    operator = drawn.operator(study.box_size, torch.arange(study.particles)).to(device)
    clean = asked.clean.to(device)
    measurement = Measurement(operator(asked.images.to(device)), operator).seen_through(asked.ctf.to(device))
    wiener = Wiener()
    wiener.fit(known.images, known.clean)
    method = LearnedPosterior(study.learned_path, samples=max(study.samples, study.interval_samples)).to(device)
    samples = method(measurement).samples
    assert samples is not None
    few, many = samples[: study.samples], samples[: study.interval_samples]
    images = {
        "Wiener": wiener.to(device)(measurement).x,
        "learned": Unrolled(study.learned_path).to(device)(measurement).x,
        "one sample": samples[0],
        "posterior mean": few.mean(0),
    }
    rows: dict[str, object] = {"molecule": molecule.name, "fold": molecule.fold, "form": molecule.form, **cell._asdict()}
    rows |= {"version": version(study, "posterior mean"), "particle": range(study.particles)}
    for name, x in images.items():
        rows |= {f"psnr {name}": psnr(x, clean).cpu(), f"correlation {name}": correlation(x, clean).cpu()}
    for level in LEVELS:
        inside = {"Student": in_students(few, clean, level)}
        if have_ranks(len(many), level):
            inside["ranks"] = in_ranks(many, clean, level)
        for kind, of in inside.items():
            rows[f"{kind} {level:.0%}"] = share(of).cpu()
            rows[f"{kind} {level:.0%} in the middle"] = share(of, middle=True).cpu()
    rows |= {"error": rms(few.mean(0) - clean).cpu(), "deviation": rms(few.std(0)).cpu()}
    return pd.DataFrame(rows)


def wanted(study: DictConfig, found: list[Molecule]) -> Iterator[tuple[Molecule, Cell, Path]]:
    """-> molecules and cells of which there is no table yet; the first cell of all molecules, then all others in turn.

    A run that ends early so has seen every molecule, and every cell, about equally often.
    """
    first, *others = cells(study)
    turns = 0 if study.first_cells_only else len(others)
    in_turn = [(molecule, others[(turn + number) % turns]) for turn in range(turns) for number, molecule in enumerate(found)]
    for molecule, cell in [*((molecule, first) for molecule in found), *in_turn]:
        path = Path(study.output_dir) / cell.folder / molecule.name / "samples.csv"
        if not _of_this_model(path, study):
            yield molecule, cell, path


def _of_this_model(path: Path, study: DictConfig) -> bool:
    return path.is_file() and set(pd.read_csv(path, dtype={"version": str})["version"]) == {version(study, "posterior mean")}


def main(study: DictConfig) -> None:
    """Score what has no table yet, and write what there is."""
    began, device = time.perf_counter(), device_named(study.device)
    found = list(molecules(study))
    if study.processes > 1:
        with multiprocessing.get_context("spawn").Pool(study.processes, torch.set_num_threads, (1,)) as pool:
            pool.map(partial(_make, study=study), [molecule.name for molecule in found], chunksize=1)
        print(f"particles: {time.perf_counter() - began:.0f} s", flush=True)
    for molecule, cell, path in wanted(study, found):
        if study.seconds is not None and time.perf_counter() - began > study.seconds:
            break
        rows = scored(molecule, study, cell, device)
        path.parent.mkdir(parents=True, exist_ok=True)
        rows.to_csv(path.with_suffix(".unfinished"), index=False)
        path.with_suffix(".unfinished").rename(path)
        told = ", ".join(
            f"{name} {rows[f'correlation {name}'].mean():.3f}" for name in ("Wiener", "learned", "posterior mean")
        )
        print(f"{time.perf_counter() - began:6.0f} s, {cell.folder}, {molecule.name}: {told}", flush=True)
    paths = sorted(Path(study.output_dir).glob("*/*/samples.csv"))
    rows = pd.concat([pd.read_csv(path, dtype={"version": str}) for path in paths], ignore_index=True)
    results = Path(study.results) if study.results else HERE
    results.mkdir(parents=True, exist_ok=True)
    asked = len(found) * (1 if study.first_cells_only else len(cells(study)))
    table, text = tables(rows[rows["version"] == version(study, "posterior mean")], asked)
    table.round(4).to_csv(results / "posterior.csv", index=False)
    (results / "posterior.md").write_text(text)
    print(text)


def _make(name: str, study: DictConfig) -> None:
    made(name, study)


if __name__ == "__main__":
    main(OmegaConf.merge(OmegaConf.load(HERE / "posterior.yaml"), settings()))
