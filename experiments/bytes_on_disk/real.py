"""Quantisers on 29 real particles: bits spent against asked, what is lost by shell against what was predicted.

python experiments/bytes_on_disk/real.py [results=FOLDER]

Writes real.md and real.png beside this file, or into the folder of ``results``.
The few particles of each stack teach the deviations of their own shells here.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure
from omegaconf import OmegaConf
from schemes import step_of

from cryosense import fourier
from cryosense.data import ParticleStack
from cryosense.measurement import Full
from cryosense.measurement.quantisers import Float16, LloydMax, Sign, StoredQuantiser, Uniform
from cryosense.measurement.quantisers.levels import LevelQuantiser

HERE = Path(__file__).parent
STACKS = Path(os.environ.get("CRYOSENSE_REFERENCE_DATA", "../shared/data")) / "real" / "stacks"
FILES = {
    "EMPIAR-10076, 320 px": "empiar_10076_7.star",
    "RELION 3.1, 256 px": "relion31.star",
    "ASPIRE, 200 px": "sample_particles_relion31.star",
}
QUANTISERS = {
    "float16": lambda: Float16(coded=True),
    **{f"{bits:g} bits": lambda bits=bits: Uniform(step_of(bits)) for bits in (4, 3, 2, 1.5, 1)},
    "4 levels": lambda: LloydMax(4),
    "sign": Sign,
}
SHOWN = ("2 bits", "sign")


def main() -> None:
    into = Path(OmegaConf.from_cli().get("results", HERE))
    into.mkdir(parents=True, exist_ok=True)
    lines = [
        "| particles | quantiser | bits asked | spent | eta predicted | measured, median shell | 5 to 95 % of shells |",
        "|---|---|---|---|---|---|---|",
    ]
    figure = Figure(figsize=(12, 9), layout="constrained")
    panels = figure.subplots(len(FILES), 4)
    for row, (label, name) in zip(panels, FILES.items(), strict=True):
        stack = ParticleStack.open(STACKS / name)
        x = (stack[:] - stack[:].mean()) / stack[:].std()
        decoded = {}
        for kind, make in QUANTISERS.items():
            quantiser = make()
            decoded[kind], spent, asked = through(quantiser, x)
            kept = share_kept(x, decoded[kind])
            low, middle, high = np.quantile(kept[1:], [0.05, 0.5, 0.95])
            eta = quantiser.books[0].eta if isinstance(quantiser, LevelQuantiser) else 1 / (1 + quantiser.rounding**2)
            figures = f"{asked:.3f} | {spent:.3f} | {eta:.4f} | {middle:.4f} | {low:.4f} to {high:.4f}"
            lines.append(f"| {len(stack)} of {label} | {kind} | {figures} |")
        draw(row, label, x, decoded)
    (into / "real.md").write_text("\n".join(lines) + "\n")
    figure.savefig(into / "real.png", dpi=100)
    print("\n".join(lines))


def through(quantiser: StoredQuantiser, x: torch.Tensor) -> tuple[torch.Tensor, float, float]:
    """-> decoded images, bits a pixel spent on bytes, and asked."""
    numbers, pixels = torch.arange(len(x)), x.shape[-1] ** 2
    operator = Full().operator(x.shape[-1], numbers)
    y = operator(x)
    quantiser.fit(y, operator, numbers)
    contents = quantiser.encode(y, operator, numbers)
    spent = 8 * np.mean([len(content) for content in contents]) / pixels
    return (
        operator.pinv(quantiser.decode(contents, operator, numbers)),
        float(spent),
        float(quantiser.nominal_bits(operator).mean() / pixels),
    )


def share_kept(x: torch.Tensor, decoded: torch.Tensor) -> np.ndarray:
    """-> (n // 2 + 1,): power of each shell over that of the same and of what was added."""
    power = fourier.power_spectrum(x[:, 0].double()).mean(0)
    return (power / (power + fourier.power_spectrum((decoded - x)[:, 0].double()).mean(0))).numpy()


def draw(row: np.ndarray, label: str, x: torch.Tensor, decoded: dict[str, torch.Tensor]) -> None:
    """Draw one particle as it was and as it was decoded, low shells only, and the spectra of what was added."""
    side = max(16, x.shape[-1] // 8 * 2)
    for axes, (title, images) in zip(row, {"recorded": x, **{name: decoded[name] for name in SHOWN}}.items(), strict=False):
        axes.imshow(fourier.fourier_crop(images[0, 0], side), cmap="gray")
        axes.set(title=f"{title}, to a quarter of Nyquist" if axes is not row[0] else label, xticks=[], yticks=[])
    row[3].semilogy(fourier.power_spectrum(x[:, 0].double()).mean(0), color="black", label="particles")
    for name in ("4 bits", "2 bits", "sign"):
        row[3].semilogy(fourier.power_spectrum((decoded[name] - x)[:, 0].double()).mean(0), label=f"added by {name}")
    row[3].set(xlabel="shell", ylabel="power", ylim=(row[3].get_ylim()[0], 30 * row[3].get_ylim()[1]))
    row[3].legend(fontsize="small", ncols=2, loc="upper right")


if __name__ == "__main__":
    main()
