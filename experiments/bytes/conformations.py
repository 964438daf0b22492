"""Are the conformations of a hinge still found in what is measured? Linear modes of the decoded particles; see README.md.

Particles, modes and scores are those of experiments/heterogeneity. Writes conformations.csv and conformations.md.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from omegaconf import DictConfig
from run import HERE, composed, settings
from tables import markdown
from trials import PAPERS, of_bits

from cryosense.biology.neighbours import nearest_neighbours, transferred_classes, transferred_coordinate
from cryosense.cli.simulate import simulate
from cryosense.data import ParticleSource, ParticleStack, survey_of
from cryosense.data.latents import read_classes, read_coordinate
from cryosense.measurement import Design, FourierDesign, Full
from cryosense.measurement.file import open_particles
from cryosense.measurement.quantisers import Float32, Sign, StoredQuantiser, Trellis
from cryosense.operators.masks import uniform
from cryosense.seeding import generator
from cryosense.tasks.advise.sample import Sample

sys.path.append(str(HERE.parent / "heterogeneity"))
from linear import LinearModes

TABLE, NEIGHBOURS, REPLICATES = "conformations.csv", 15, 1000
ORIGINAL, SHUFFLED = "as they are", "shuffled"


def schemes() -> dict[str, tuple[StoredQuantiser, Design]]:
    """-> by name, what is measured of each particle."""
    one = Trellis(1.0)
    return {
        "trellis, 2 bits": (Trellis(0.53), Full()),
        "trellis, 1 bit": (one, Full()),
        "1 bit, as the trellis": (of_bits(one.books[0].entropy_bits), Full()),
        "sign": (Sign(), Full()),
        "trellis, 1 bit, inner half": (Trellis(1.0, last_shell=8), Full()),
        "flat masks, float32": (Float32(), FourierDesign(uniform, compression=PAPERS, per_particle=True)),
    }


def stacks(star: Path, scratch: Path) -> Iterator[tuple[str, ParticleStack, float]]:
    """-> the particles as they are, and as each scheme's file has them, with bytes of a particle."""
    source = ParticleSource.open(star, None, None, None, None, None)
    survey, numbers = survey_of(source.images, 64), torch.arange(len(source.images))
    sample = Sample(source, numbers, survey.mean, survey.deviation, source.data_fingerprint)
    yield ORIGINAL, source.images, 4.0 * source.images.box_size**2
    for name, (quantiser, design) in schemes().items():
        path = scratch / "measured.cryo.h5"
        path.unlink(missing_ok=True)
        file = sample.measured(quantiser, path, len(sample), lambda done: None, design)
        yield name, open_particles(path).images, float(file.bytes_per_particle)


def found(latents: np.ndarray, known: np.ndarray, states: bool) -> np.ndarray:
    """-> (n,) of each particle: whether its neighbours have its state, or the angle that they have."""
    neighbours = nearest_neighbours(latents, NEIGHBOURS)
    return transferred_classes(known, neighbours) == known if states else transferred_coordinate(known, neighbours)


def score(values: np.ndarray, known: np.ndarray, states: bool) -> float:
    """-> the share that is right, or the rank correlation."""
    return float(values.mean()) if states else float(pd.Series(values).corr(pd.Series(known), method="spearman"))


def rows(folder: Path, study: DictConfig, data: str) -> Iterator[dict[str, object]]:
    """-> one for each scheme; intervals of differences over particles drawn in pairs."""
    about, states = study.conformations, data == "two_state"
    labels, drawn = folder / "data" / "labels.csv", np.random.default_rng(0)
    known = read_classes(labels, "state") if states else read_coordinate(labels, "hinge_angle_deg")
    original = np.zeros(0)
    for name, stack, size in stacks(folder / "data" / "particles.star", folder):
        latents = LinearModes(stack, about.last_shell).latents(about.modes, about.iterations, 0)
        values = found(latents, known, states)
        original = values if name == ORIGINAL else original
        picks = drawn.integers(len(known), size=(REPLICATES, len(known)))
        lost = [score(original[i], known[i], states) - score(values[i], known[i], states) for i in picks]
        low, high = np.quantile(lost, [0.025, 0.975])
        row = {
            "scheme": name,
            "bytes_measured": size,
            "score": score(values, known, states),
            "lost_low": low,
            "lost_high": high,
        }
        yield row
        if name == ORIGINAL:
            shuffled = found(latents[generator(0, 0).permutation(len(latents))], known, states)
            yield {"scheme": SHUFFLED, "score": score(shuffled, known, states)}


def made(study: DictConfig, data: str, seed: int) -> pd.DataFrame:
    """-> the table of a data set, measured unless it is there."""
    folder = Path(study.directory) / f"{data}_{study.particles}_{seed}"
    if not (folder / TABLE).exists():
        folder.mkdir(parents=True, exist_ok=True)
        words = [*shlex.split(study.conformations.words), *shlex.split(study.conformations.data[data])]
        simulate(composed("simulate", [f"output_dir={folder / 'data'}", f"count={study.particles}", f"seed={seed}", *words]))
        kept = []
        for row in rows(folder, study, data):
            kept.append({"data": data, "seed": seed} | row)
            print(data, seed, row["scheme"], row.get("bytes_measured"), row["score"], flush=True)
        pd.DataFrame(kept).to_csv(folder / "conformations.partial", index=False)
        (folder / "conformations.partial").rename(folder / TABLE)
    return pd.read_csv(folder / TABLE)


def told(table: pd.DataFrame) -> str:
    """-> the table in words."""
    columns = ["particles", "seed", "scheme", "bytes a particle", "times smaller than float32", "found", "lost (paired 95 %)"]
    whole = table[table["scheme"] == ORIGINAL].set_index(["data", "seed"])["bytes_measured"]
    lines = []
    for row in table.to_dict("records"):
        shuffled = row["scheme"] == SHUFFLED
        size = ["", ""]
        if not shuffled:
            size = [f"{row['bytes_measured']:.0f}", f"{whole[row['data'], row['seed']] / row['bytes_measured']:.1f}"]
        lost = "" if shuffled or row["scheme"] == ORIGINAL else f"{row['lost_low']:.3f} to {row['lost_high']:.3f}"
        lines.append([row["data"], str(row["seed"]), row["scheme"], *size, f"{row['score']:.3f}", lost])
    return markdown(columns, lines) + "\n"


def main() -> None:
    """Make the data sets that are not there yet."""
    study = settings()
    results, about = Path(study.results or HERE), study.conformations
    table = pd.concat([made(study, str(data), seed) for data in about.only or about.data for seed in about.seeds])
    table.to_csv(results / TABLE, index=False, float_format="%.5g")
    (results / "conformations.md").write_text(told(table))
    sys.stdout.write(told(table))


if __name__ == "__main__":
    main()
