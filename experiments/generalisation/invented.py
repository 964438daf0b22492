"""What samples of the learned posterior invent where there is no protein, and whether they differ there; see README.md.

Writes invented.md and invented.png beside this file, or into the folder of ``results``. The first cell of study.yaml.
"""

from __future__ import annotations

from pathlib import Path

import torch
from analyse import markdown
from intervals import LEVELS, in_ranks, likeness, rms, share
from matplotlib.figure import Figure
from methods import design
from molecules import Molecule, Particles, scaled, seeds_of, stacked_scale
from omegaconf import DictConfig, OmegaConf
from run import HERE, Cell, settings
from strangers import EMPTY, particles, strangers
from torch import Tensor

from cryosense.measurement import Measurement
from cryosense.reconstructors import LearnedPosterior
from cryosense.runs.devices import device_named

PANELS = ("clean", "measured", "mean of samples", "sample 1", "sample 2", "deviation")


@torch.no_grad()
def sampled(molecule: Molecule, study: DictConfig, device: torch.device) -> tuple[Particles, Tensor, Tensor]:
    """-> particles in units of their noise, their samples, and what the pseudo-inverse has of them, on the CPU."""
    cell = Cell(*study.first)
    found = particles(molecule, study, cell.snr)
    noise = float((found.images - found.clean).std())
    asked = scaled(found, stacked_scale(found.images)[0], noise)
    domain, compression, own = study.operators[cell.family]
    drawn = design(cell.family, domain, compression, own, seeds_of(molecule, cell.snr, cell.coloured))
    operator = drawn.operator(study.box_size, torch.arange(study.particles)).to(device)
    measurement = Measurement(operator(asked.images.to(device)), operator).seen_through(asked.ctf.to(device))
    count = max(study.samples, study.interval_samples)
    samples = LearnedPosterior(study.learned_path, samples=count).to(device)(measurement).samples
    assert samples is not None
    return asked, samples.cpu(), operator.pinv(measurement.y).cpu()


def line(name: str, clean: Tensor, samples: Tensor, study: DictConfig) -> list[str]:
    """-> a row of the table: of the mean and the deviation of some of the samples, and of intervals between those of more."""
    count, many = study.samples, samples[: study.interval_samples]
    mean, deviation = samples[:count].mean(0), samples[:count].std(0)
    parts = clean - clean.mean((2, 3), keepdim=True), mean - mean.mean((2, 3), keepdim=True), mean - clean, deviation
    sizes = [float(rms(each).square().mean().sqrt()) for each in parts]
    within = [float(share(in_ranks(many, clean, level)).mean()) for level in LEVELS]
    alike = "" if name == EMPTY else f"{likeness(mean, clean):.2f}"
    told = [*(f"{size:.3f}" for size in sizes), f"{sizes[3] / sizes[2]:.2f}", alike]
    return [name, *told, *(f"{each:.1%}" for each in within)]


def drawn(found: dict[str, tuple[Particles, Tensor, Tensor]], count: int, path: Path) -> None:
    """Draw the first particle of each."""
    figure = Figure(figsize=(2 * len(PANELS), 2.1 * len(found)), layout="constrained")
    for row, (name, (asked, samples, measured)) in zip(figure.subplots(len(found), len(PANELS)), found.items(), strict=True):
        some = samples[:count, 0, 0]
        images = [asked.clean[0, 0], measured[0, 0], some.mean(0), *some[:2], some.std(0)]
        scale = max(float(asked.clean[0].abs().max()), float(some.abs().max()))
        for axes, title, image in zip(row, PANELS, images, strict=True):
            low, high = {"measured": (-3, 3), "deviation": (0, scale / 2)}.get(title, (-scale, scale))
            axes.imshow(image, cmap="gray", vmin=low, vmax=high)
            axes.set(xticks=[], yticks=[])
            if name == next(iter(found)):
                axes.set_title(title)
        row[0].set_ylabel(name)
    figure.savefig(path, dpi=110)


def main(study: DictConfig) -> None:
    """Sample, draw, and write a table."""
    device = device_named(study.device)
    found = {molecule.name: sampled(molecule, study, device) for molecule in strangers(study)}
    head = ["seen", "clean", "mean of samples", "its error", "deviation", "deviation / error", "correlation"]
    head += [f"in {level:.0%}" for level in LEVELS]
    rows = [line(name, asked.clean, samples, study) for name, (asked, samples, _) in found.items()]
    text = "Root mean squares over pixels, in units of the noise's deviation, of the first two without each image's level;\n"
    text += f"share of pixels in intervals between {study.interval_samples} ordered samples.\n\n"
    results = Path(study.results) if study.results else HERE
    results.mkdir(parents=True, exist_ok=True)
    (results / "invented.md").write_text(text + markdown(head, rows, texts=1) + "\n")
    drawn(found, study.samples, results / "invented.png")
    print((results / "invented.md").read_text())


if __name__ == "__main__":
    main(OmegaConf.merge(OmegaConf.load(HERE / "posterior.yaml"), settings()))
