"""Are frames of nothing but noise told from particles by their poses' posteriors? See README.md. Writes junk.md."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import mrcfile
import numpy as np
import pandas as pd
import starfile
from omegaconf import DictConfig, OmegaConf
from shared import HERE, aligned, particles, slug

REPLICATES = 2000
LOST = 0.05  # of the particles, above whose entropy frames are told to be noise
# Of the columns of poses.parquet, each with the sign that makes it larger for junk.
MARKS = {
    "entropy": ("cryosensePoseEntropy", 1),
    "spread about the pose": ("cryosenseAngularSpread", 1),
    "largest probability": ("rlnMaxValueProbDistribution", -1),
    "log evidence": ("cryosenseLogEvidence", -1),
    "log likelihood": ("rlnLogLikeliContribution", -1),
}


def main() -> None:
    """Align what is not aligned yet, and write the areas under the curves."""
    study = OmegaConf.merge(OmegaConf.load(HERE / "study.yaml"), OmegaConf.from_cli())
    heads = [f"{name} (95 %)" for name in MARKS]
    lines = [
        f"{study.junk.particles} particles, {study.junk.frames} frames of noise, built-in molecule, seed {study.junk.seed}: "
        "the chance that a frame of noise has the larger entropy (and so on) than a particle. Last: the share of frames whose "
        f"entropy is above that of all but {LOST:.0%} of the particles.",
        "",
        f"| SNR | scheme | {' | '.join(heads)} | told by entropy (95 %) |",
        "| --- | --- |" + " ---: |" * (len(heads) + 1),
    ]
    for snr in study.snrs:
        data = mixed(Path(study.directory) / "junk" / f"snr_{snr}", study, snr)
        for name in study.junk.schemes:
            directory = data.parent / slug(name)
            aligned(data, directory, study, shlex.split(study.schemes[name]), None)
            table = pd.read_parquet(directory / "poses.parquet")
            areas = [
                with_interval(chance, sign * table[column].to_numpy(), study.junk.particles, "{:.3f}")
                for column, sign in MARKS.values()
            ]
            told = with_interval(share_told, table[MARKS["entropy"][0]].to_numpy(), study.junk.particles, "{:.0%}")
            lines.append(f"| {snr} | {name} | {' | '.join(areas)} | {told} |")
    text = "\n".join(lines) + "\n"
    (Path(study.results or HERE) / "junk.md").write_text(text)
    sys.stdout.write(text)


def mixed(folder: Path, study: DictConfig, snr: float) -> Path:
    """-> the directory of a stack of particles, then frames of white noise as strong as theirs, with CTFs of particles."""
    wanted = study.junk
    data, made = folder / "data", folder / "mixed"
    cell = OmegaConf.merge(study, {"particles": wanted.particles})
    particles(data, cell, [], snr, wanted.seed)
    if not (made / "blind.star").is_file():
        made.mkdir(parents=True, exist_ok=True)
        with mrcfile.open(data / "particles.mrcs") as file:
            images, size = np.array(file.data), file.voxel_size.x
        deviation = np.sqrt(images.var() / (1 + snr))
        drawn = np.random.default_rng(wanted.seed).normal(images.mean(), deviation, (wanted.frames, *images.shape[1:]))
        with mrcfile.new(made / "particles.mrcs", np.concatenate([images, drawn.astype(np.float32)])) as file:
            file.voxel_size = size
        blocks = starfile.read(data / "blind.star", always_dict=True)
        rows = pd.concat([blocks["particles"], blocks["particles"].iloc[: wanted.frames]], ignore_index=True)
        names = [f"{number + 1:06d}@particles.mrcs" for number in range(len(rows))]
        starfile.write({**blocks, "particles": rows.assign(rlnImageName=names)}, made / "blind.star")
        (made / "volume.mrc").write_bytes((data / "volume.mrc").read_bytes())
    return made


def with_interval(of: Callable[[np.ndarray, np.ndarray], float], marks: np.ndarray, first_junk: int, form: str) -> str:
    """-> what is said of the marks of particles and of frames, with its interval over both drawn anew."""
    generator, seen, junk = np.random.default_rng(0), marks[:first_junk], marks[first_junk:]
    drawn = [of(generator.choice(seen, len(seen)), generator.choice(junk, len(junk))) for _ in range(REPLICATES)]
    value, low, high = (form.format(number) for number in (of(seen, junk), *np.quantile(drawn, [0.025, 0.975])))
    return f"{value} ({low} to {high})"


def chance(seen: np.ndarray, junk: np.ndarray) -> float:
    """-> how often an entry of ``junk`` is above one of ``seen``; equals count by half."""
    ordered = np.sort(seen)
    below = np.searchsorted(ordered, junk, "left") + np.searchsorted(ordered, junk, "right")
    return float(below.mean() / 2 / len(seen))


def share_told(seen: np.ndarray, junk: np.ndarray) -> float:
    """-> which share of ``junk`` is above all but a few of ``seen``."""
    return float((junk > np.quantile(seen, 1 - LOST)).mean())


if __name__ == "__main__":
    main()
