"""Every verb that writes, in a small form: its input, and its command lines, which are given one after the other."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.biology.mixtures import mixture, relabelled
from tests.biology.peptides import peptide, random_letters
from tests.biology.peptides import write as write_model
from tests.kills.trials import run_here
from tests.training.networks import TINY_WORDS

SET = "simulate output_dir={data} box_size=32 pixel_size_angstrom=6.0 density.resolution_angstrom=12.0 count=30 snr=0.2 seed=1"
STACK = "data=stack data.path={data}/particles.star"
QUICK = f"{STACK} scores.lpips=null fitting.held_back=4 fitting.tuning_images=4 fitting.relative_weights=[0.01,0.1] threads=1"
RECONSTRUCT = f"reconstruct output_dir={{out}} {QUICK} chunk_size=7 operator.per_particle=true"
SAMPLED = f"{RECONSTRUCT} reconstructor=posterior denoiser=gaussian_fitted reconstructor.samples=2 write_samples=true"
SAMPLED += " reconstructor.network_evaluations=3"
BACKPROJECT = "backproject output_dir={out} data.path={data}/particles.star soft_mask.lowpass_angstrom=30 chunk_size=7"
BACKPROJECT += " checkpoint_particles=14"
TRAIN = f"train output_dir={{out}} {STACK} geometry=fourier_crop geometry.size=16 {' '.join(TINY_WORDS)} steps=12"
TRAIN += " batch_size=4 model.optimisation.warmup_steps=3 trainer.log_every_n_steps=1 training.checkpoint_every=2"
TRAIN += " training.validate_every=4"
TRAIN += " training.sample_every=6 training.sample_images=4 training.sample_network_evaluations=3"
LATENTS = "compare-latents {data}/a.pkl {data}/b.pkl output_dir={out} embedding=none refits=1 shuffles=3 clustering.starts=2"


@dataclass(frozen=True)
class Verb:
    """Command lines, words with spaces between them, and what makes what they need in ``data``."""

    name: str
    lines: tuple[str, ...]
    prepare: Callable[[Path], None]

    def words(self, data: Path, out: Path) -> list[list[str]]:
        """-> the words of each line."""
        return [line.format(data=data, out=out).split() for line in self.lines]


def nothing(data: Path) -> None:
    data.mkdir(exist_ok=True)


def simulated(data: Path) -> None:
    assert run_here([SET.format(data=data).split()], data.with_suffix(".log")) == 0


def mapped(data: Path) -> None:
    simulated(data)
    line = BACKPROJECT.format(data=data, out=data / "maps")
    assert run_here([line.split()], data.with_suffix(".log")) == 0


def latents(data: Path) -> None:
    data.mkdir()
    labels, changed = relabelled(200, 15)
    for name, (classes, seed) in {"a": (labels, 0), "b": (changed, 2)}.items():
        with (data / f"{name}.pkl").open("wb") as file:
            pickle.dump(mixture(classes, seed).astype(np.float32), file)


def models(data: Path) -> None:
    data.mkdir()
    letters = random_letters(0, 20)
    write_model(data / "a.cif", [peptide(letters, name, shift=(15 * i, 0, 0)) for i, name in enumerate("AB")])
    write_model(data / "b.pdb", [peptide(letters, "C", shift=(15, 2, 0), without=[4, 5])])


def reconstructed(data: Path) -> None:
    simulated(data)
    line = RECONSTRUCT.format(data=data, out=data / "runs")
    assert run_here([line.split()], data.with_suffix(".log")) == 0


def measured(data: Path) -> None:
    simulated(data)
    line = MEASURE.replace("{out}", "{data}").format(data=data)
    assert run_here([line.split()], data.with_suffix(".log")) == 0


def many(data: Path) -> None:
    line = SET.replace("count=30 snr=0.2", "count=600 snr=0.1").format(data=data)
    assert run_here([line.split()], data.with_suffix(".log")) == 0


def shards(line: str, count: int = 3) -> tuple[str, ...]:
    return tuple(f"{line} shard.index={index} shard.count={count}" for index in range(count))


DESIGN = "design kind=masks output_dir={out} pilot.path={data}/maps ctf={data}/particles.star compression=3 poses=known"
VALIDATE = f"validate output_dir={{out}} {STACK} operator.per_particle=true chunk_size=7 cutoff_angstrom=48 scores.lpips=null"
VALIDATE += " most_particles=30"
COLLECT = "collect {data}/runs table_csv={out}/table.csv table_markdown={out}/table.md paper_csv={out}/paper.csv"
COLLECT += " paper_markdown={out}/paper.md paper_latex={out}/paper.tex picture={out}/picture.png"
SWEEP = f"reconstruct -m output_dir={{out}} {QUICK} reconstructor=pinv,zero_filled compression=2 hydra/launcher=processes"
ALIGN = "align output_dir={out} data.path={data}/particles.star reference={data}/volume.mrc reference_resolution_angstrom=24"
ALIGN += " fineness.last_order=2 fineness.shift_radius_pixels=2 calibration_particles=10 chunk_size=10 checkpoint_particles=10"
MEASURE = "measure {data}/particles.star output={out}/measured.cryo.h5 chunk_size=10 part_particles=64"
ADVISE = "advise {data}/particles.star output_dir={out} checked=0 soft_mask=sphere soft_mask.radius_angstrom=50"
VERBS = {
    verb.name: verb
    for verb in (
        Verb("simulate", (SET.replace("{data}", "{out}"),), nothing),
        Verb("reconstruct", (RECONSTRUCT,), simulated),
        Verb("posterior", (SAMPLED,), simulated),
        Verb("reconstruct-shards", shards(RECONSTRUCT), simulated),
        Verb("sweep", (SWEEP,), simulated),
        Verb("train", (TRAIN,), simulated),
        Verb("backproject", (BACKPROJECT,), simulated),
        Verb("backproject-shards", shards(BACKPROJECT), simulated),
        Verb("align", (ALIGN,), simulated),
        Verb("align-shards", shards(ALIGN), simulated),
        Verb("measure", (MEASURE,), simulated),
        Verb("inspect", ("inspect {data}/measured.cryo.h5 picture={out}/picture.png",), measured),
        Verb("export", ("export {data}/particles.star output_dir={out}",), simulated),
        Verb("advise", (ADVISE,), many),
        Verb("design", (DESIGN,), mapped),
        Verb("validate", (VALIDATE,), simulated),
        Verb("compare-latents", (LATENTS,), latents),
        Verb("compare-models", ("compare-models {data}/a.cif {data}/b.pdb output_dir={out}",), models),
        Verb("collect", (COLLECT,), reconstructed),
        Verb("report", ("report {data}/runs output={out}/report.html",), reconstructed),
    )
}
os.environ.setdefault("OMP_NUM_THREADS", "1")
