"""What each prior makes of 29 real particles, of which no clean image is known; see README.md.

Writes real.md, real.csv and real.png beside this file, or into the folder of ``results``. ``learned_path`` as in study.yaml;
``posterior=true``: the mean of samples as well.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import torch
from analyse import markdown
from halves import BANDS, FILES, Stack, judged, noise_found, opened
from matplotlib.figure import Figure
from methods import LEARNED, POSTERIOR, Method, learned, posterior_mean, wiener_with_ctf
from run import settings
from torch import Tensor

from cryosense import fourier
from cryosense.measurement import FourierDesign, Measurement
from cryosense.operators import masks
from cryosense.priors import TotalVariation
from cryosense.reconstructors import PseudoInverse, Sparse

HERE = Path(__file__).parent
SHOWN_OF_EACH, SHOWN_C = 2, 2.5
RELATIVE_WEIGHTS = (0.1, 0.3, 1.0, 3.0)  # of TV, over the noise's deviation
PINV, WIENER, TV = "pinv", "Wiener of themselves", "TV"


def methods(stack: Stack, learned_path: str | None, samples: int | None, tv_weight: float) -> dict[str, Method]:
    """-> all methods by name; nothing is known of the particles but themselves."""
    tv = Sparse(TotalVariation(), weight=tv_weight * stack.noise_std)
    found: dict[str, Method] = {
        PINV: lambda measurement: PseudoInverse()(measurement).x,
        WIENER: wiener_with_ctf(stack.particles),
        TV: lambda measurement: tv(measurement).x,
        LEARNED: learned(learned_path, stack.particles),
    }
    return found | ({} if samples is None else {POSTERIOR: posterior_mean(learned_path, samples, stack.particles)})


def best_weight(stack: Stack, learned_path: str | None) -> float:
    """-> the weight of TV that foretells best what is not measured, to its advantage: it is judged by the same."""

    def score(weight: float) -> float:
        method = methods(stack, learned_path, None, weight)[TV]
        return float(judged(stack, method)["not measured"][:, :3].mean())

    return max(RELATIVE_WEIGHTS, key=score)


@torch.no_grad()
def shown(stack: Stack, found: dict[str, Method]) -> dict[str, Tensor]:
    """-> images of the first particles: as recorded, smoothed, and as each method has them from radial masks."""
    images = stack.particles.images[:SHOWN_OF_EACH]
    n = images.shape[-1]
    operator = FourierDesign(masks.radial, compression=SHOWN_C, seed=0, symmetric=True).operator(n, torch.arange(len(images)))
    measured = Measurement(operator(images), operator).seen_through(stack.particles.ctf[:SHOWN_OF_EACH])
    smooth = fourier.fourier_pad(fourier.fourier_crop(images, n // 4), n)
    return {"recorded": images, "smoothed": smooth} | {name: method(measured) for name, method in found.items()}


def draw(pictures: dict[str, dict[str, Tensor]], path: Path) -> None:
    """Draw particles in rows, methods in columns; each image with its own grey scale."""
    names = list(next(iter(pictures.values())))
    figure = Figure(figsize=(1.5 * len(names), 1.5 * SHOWN_OF_EACH * len(pictures) + 0.3), layout="constrained")
    grid = figure.subplots(SHOWN_OF_EACH * len(pictures), len(names))
    for block, (stack, images) in enumerate(pictures.items()):
        for column, name in enumerate(names):
            for row in range(SHOWN_OF_EACH):
                axes = grid[block * SHOWN_OF_EACH + row, column]
                low, high = np.percentile(images[name][row], (1, 99))
                axes.imshow(images[name][row, 0], cmap="gray", vmin=low, vmax=high)
                axes.set_xticks([])
                axes.set_yticks([])
                if block == row == 0:
                    axes.set_title(name, fontsize=8)
                if column == row == 0:
                    axes.set_ylabel(stack, fontsize=8)
    figure.savefig(path, dpi=130)


def words(values: Tensor) -> list[str]:
    """-> mean over particles and its standard error, of values (b, k)."""
    mean, error = values.mean(0), values.std(0) / len(values) ** 0.5
    return [f"{m:+.2f} ± {e:.2f}" for m, e in zip(mean.tolist(), error.tolist(), strict=True)]


NOISE = """Power of the images over that of what lies outside the circle that fits into the box, and the latter over its own
outermost band, by shells of 32."""
AGREEMENT = """Each particle's coefficients in two halves. *Halves*: correlation of the two images that are made of them. *Not
measured*: of an image with what the other half measured, which it has not seen; *another particle*: with the same of another
one, which is chance. Linear methods leave what is not measured at 0. Mean over particles and its standard error, by shells
of 32."""


def main() -> None:
    """Run and write all."""
    study = settings()
    samples = study.samples if study.get("posterior") else None
    rows, noises, pictures, kept = [], [], {}, []
    for name in FILES:
        stack = opened(name, study.box_size)
        numbers = [f"{value:.2f}" for values in noise_found(stack) for value in values.tolist()]
        noises.append([name, str(len(stack.particles.images)), f"{stack.pixel_angstrom:.2f}", *numbers])
        found = methods(stack, study.learned_path, samples, best_weight(stack, study.learned_path))
        for method in (TV, LEARNED, *([POSTERIOR] if POSTERIOR in found else [])):
            for what, values in judged(stack, found[method]).items():
                rows.append([name, method, what, *words(values)])
                means = dict(zip(BANDS, values.mean(0).tolist(), strict=True))
                kept.append({"stack": name, "method": method, "what": what, **means})
                print(*rows[-1], sep=", ", flush=True)
        pictures[name] = shown(stack, found)
    folder = Path(study.results or HERE)
    folder.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(kept).to_csv(folder / "real.csv", index=False, float_format="%.4f")
    head = [
        "particles",
        "number",
        "Å per pixel",
        *(f"{what}, {band}" for what in ("image / noise", "noise") for band in BANDS),
    ]
    tables = [markdown(head, noises, texts=1), AGREEMENT, markdown(["particles", "method", "what", *BANDS], rows)]
    (folder / "real.md").write_text("\n\n".join([NOISE, *tables]) + "\n")
    draw(pictures, folder / "real.png")


if __name__ == "__main__":
    main()
