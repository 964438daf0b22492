"""Fine-tuning on one molecule that no training has seen, from measurements alone and with clean images; see README.md.

Writes tuned.csv and tuned.md beside this file, or into the folder of ``results``. A training that was stopped goes on.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from analyse import markdown
from hydra import compose, initialize_config_dir
from methods import Method, design, learned, wiener
from molecules import Particles, scaled, stacked_scale
from omegaconf import DictConfig, OmegaConf

from cryosense import seeding
from cryosense.cli.conf_dir import conf_dir
from cryosense.cli.simulate import simulate
from cryosense.cli.train import train
from cryosense.data import ParticleSource
from cryosense.measurement import Measurement
from cryosense.measurement.particle_ctf import ParticleCtf
from cryosense.metrics import correlation, psnr

HERE = Path(__file__).parent
BEFORE, BLIND, CLEAN = "not tuned", "from measurements", "with clean images"
SCORES = {"psnr": psnr, "correlation": correlation}
REPLICATES = 2000  # of the bootstrap


def folder_of_training(config: DictConfig, name: str) -> Path:
    return Path(config.output_dir).absolute() / name.replace(" ", "_")


def data_words(config: DictConfig) -> list[str]:
    """-> what makes the particles, or finds them made, and how to ask for them."""
    folder = Path(config.output_dir).absolute() / "particles"
    words = [f"output_dir={folder}", f"count={config.count}", f"seed={config.seed}", *config.particles]
    simulate(compose("simulate", words), wait=True)
    return ["data=stack", f"data.path={folder}/particles.star", f"data.clean_path={folder}/clean.mrcs"]


def opened(config: DictConfig, split: Path) -> tuple[Particles, Particles]:
    """-> the particles that were trained on, and those that were held back."""
    folder = Path(config.output_dir).absolute() / "particles"
    source = ParticleSource.open(folder / "particles.star", None, folder / "clean.mrcs", None, None, None)
    ctf, numbers = ParticleCtf.of(source), torch.arange(len(source.images))
    assert ctf is not None
    assert source.clean is not None
    images = Particles(source.images[:], source.clean[:], ctf(numbers))
    all_of_them = scaled(images, *stacked_scale(images.images))
    held = torch.isin(numbers, torch.tensor(json.loads(split.read_text())["validation"]))
    known, asked = (
        Particles(all_of_them.images[some], all_of_them.clean[some], all_of_them.ctf[some]) for some in (~held, held)
    )
    return known, asked


def methods(config: DictConfig, known: Particles) -> dict[str, Method]:
    """-> Wiener with the clean images of all that were trained on, the network before and after each training that is done."""
    found = {"Wiener": wiener(known), BEFORE: learned(None, known)}
    for name in config.trainings:
        model = folder_of_training(config, name) / "model"
        if model.is_dir():
            found[name] = learned(str(model), known)
    return found


@torch.no_grad()
def scored(config: DictConfig, known: Particles, asked: Particles) -> pd.DataFrame:
    """-> scores of each particle that was held back, through masks of its own, by every method."""
    drawn = design("radial", "fourier", config.compression, True, config.seed)
    operator = drawn.operator(asked.images.shape[-1], torch.arange(len(asked.images)))
    measurement = Measurement(operator(asked.images), operator).seen_through(asked.ctf)
    columns = {}
    for name, method in methods(config, known).items():
        x = method(measurement)
        columns |= {f"{score} {name}": of(x, asked.clean).numpy() for score, of in SCORES.items()}
    return pd.DataFrame({"particle": range(len(asked.images)), **columns})


def closed(rows: pd.DataFrame, score: str, drawn: np.ndarray) -> np.ndarray:
    """-> the share of what clean images gain that is gained without, (r,), of means over particles (r, p)."""
    before, blind, clean = (rows[f"{score} {name}"].to_numpy()[drawn].mean(-1) for name in (BEFORE, BLIND, CLEAN))
    return np.asarray((blind - before) / (clean - before))


def ends(values: np.ndarray) -> tuple[float, float]:
    """-> those of the interval that holds 95 % of them."""
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)


def gaps(rows: pd.DataFrame) -> list[str]:
    """-> in words, the share of the gap that is closed, with its interval over particles."""
    if not {f"psnr {name}" for name in (BLIND, CLEAN)} <= set(rows):
        return []
    count = len(rows)
    drawn = seeding.generator(0).integers(count, size=(REPLICATES, count))
    found = [(score, closed(rows, score, np.arange(count)), ends(closed(rows, score, drawn))) for score in SCORES]
    return [f"- {score}: {100 * value:.0f} % ({100 * low:.0f} to {100 * high:.0f})" for score, value, (low, high) in found]


def table(rows: pd.DataFrame) -> str:
    """-> means of every method, and what each is ahead of the network before, with intervals over particles."""
    drawn = seeding.generator(0).integers(len(rows), size=(REPLICATES, len(rows)))
    lines = []
    for name in [column.removeprefix("psnr ") for column in rows if column.startswith("psnr ")]:
        line = [name]
        for score, digits in (("psnr", 2), ("correlation", 3)):
            ahead = (rows[f"{score} {name}"] - rows[f"{score} {BEFORE}"]).to_numpy()
            low, high = ends(ahead[drawn].mean(-1))
            line += [f"{rows[f'{score} {name}'].mean():.{digits}f}"]
            line += [f"{ahead.mean():+.{digits}f} ({low:+.{digits}f} to {high:+.{digits}f})" if name != BEFORE else ""]
        lines.append(line)
    return markdown(["", "PSNR, dB", "ahead of it not tuned", "correlation", "ahead of it not tuned"], lines, texts=1)


def courses(config: DictConfig, names: Sequence[str]) -> str:
    """-> PSNR to clean images in the course of each training, of the particles that it validates with."""
    found = {}
    for name in names:
        losses = folder_of_training(config, name) / "losses.csv"
        if losses.is_file():
            course = pd.read_csv(losses)
            if "validation/psnr_clean" in course:
                found[name] = course.dropna(subset=["validation/psnr_clean"]).set_index("step")["validation/psnr_clean"]
    steps = pd.DataFrame(found)
    lines = []
    for step, *of in steps.itertuples():
        lines.append([str(int(step) + 1), *("" if pd.isna(each) else f"{each:.2f}" for each in of)])
    return markdown(["steps", *steps.columns], lines, texts=0)


def main() -> None:
    """Train what is asked for, score what is there, and say what was found."""
    config = OmegaConf.merge(OmegaConf.load(HERE / "tuned.yaml"), OmegaConf.from_cli())
    assert isinstance(config, DictConfig)
    fixed = [f"compression=[{config.compression},{config.compression}]", f"seed={config.seed}", f"steps={config.steps}"]
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        data = data_words(config)
        for name in config.trainings if config.only is None else config.only:
            words = [*data, *fixed, *config.training, *config.trainings[name]]
            train(compose("train", [*words, f"output_dir={folder_of_training(config, name)}"]))
    splits = [folder_of_training(config, name) / "split.json" for name in config.trainings]
    known, asked = opened(config, next(split for split in splits if split.is_file()))
    rows = scored(config, known, asked)
    parts = [f"{len(asked.images)} particles held back; {len(known.images)} trained on.", table(rows), *_said(gaps(rows))]
    parts += ["In the course of training, PSNR of some of those held back:", courses(config, list(config.trainings))]
    folder = Path(config.results or HERE)
    folder.mkdir(parents=True, exist_ok=True)
    rows.round(4).to_csv(folder / "tuned.csv", index=False)
    (folder / "tuned.md").write_text("\n\n".join(parts) + "\n")
    print("\n\n".join(parts))


def _said(lines: list[str]) -> list[str]:
    head = f"Of what is gained {CLEAN}, gained {BLIND} (95 % interval over particles, {REPLICATES} bootstraps):"
    return ["\n".join([head, "", *lines])] if lines else []


if __name__ == "__main__":
    main()
