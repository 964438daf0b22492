"""Iterations of ADMM to its gap, step by step from plain constants to those of the package; see README.md.

python experiments/performance/iterations.py [images=8 seed=4 box_size=128 pixel_size_angstrom=2 results=FOLDER]

Of particles that nothing else is timed on and no constant was chosen on. Writes iterations.md beside this file, or into the
folder of ``results``.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

from omegaconf import OmegaConf
from problem import PRIORS, Cell, operators, particles

from cryosense.priors import TotalVariation
from cryosense.reconstructors import ADMM
from cryosense.solvers import converging
from cryosense.solvers.converging import Solution

HERE = Path(__file__).parent
CELLS = (
    ("pixel", "dct", 1.0), ("pixel", "wavelet", 1.0), ("pixel", "tv", 1.0),
    ("fourier", "dct", 1.0), ("fourier", "wavelet", 0.3), ("fourier", "tv", 0.3),
)  # fmt: skip


class Setting(NamedTuple):
    """How ADMM is run: ``penalty`` None for the prior's; total variation from a flat image, its coupling balanced or not."""

    name: str
    relaxation: float
    penalty: float | None
    flat: bool
    balanced: bool


SETTINGS = (
    Setting("plain: relaxation 1.8, penalty 0.7", 1.8, 0.7, flat=False, balanced=False),
    Setting("... relaxation 1.6", 1.6, 0.7, flat=False, balanced=False),
    Setting("... and the prior's penalty, a flat start for TV", 1.6, None, flat=True, balanced=False),
    Setting("... and balanced couplings for TV", 1.6, None, flat=True, balanced=True),
)


def main() -> None:
    """Solve each cell with every setting."""
    config = OmegaConf.load(HERE / "config.yaml")
    config = OmegaConf.merge(config, {"images": 8, "seed": 4, "weights": {"tuning_images": 0}}, OmegaConf.from_cli())
    noisy, _ = particles(config)
    lines = [f"{config.images} images of {config.box_size} px, seed {config.seed}", ""]
    lines += ["| cell | setting | iterations, mean | most | objective above the lowest of these, relative, most |"]
    lines += ["|---|---|---|---|---|"]
    for domain, prior, weight in CELLS:
        operator = operators(config)[domain]
        cell = Cell(domain, prior, operator, PRIORS[prior], weight, operator(noisy))
        chosen = [each for each in SETTINGS if prior == "tv" or not each.balanced]
        found = [solved(cell, each) for each in chosen]
        objectives = [cell.objective(each.x) for each in found]
        lowest = [min(values) for values in zip(*objectives, strict=True)]
        for setting, solution, objective in zip(chosen, found, objectives, strict=True):
            above = max(float(a / b - 1) for a, b in zip(objective, lowest, strict=True))
            counts = solution.iterations
            columns = f"{float(counts.double().mean()):.0f} | {int(counts.max())} | {above:.0e}"
            lines.append(f"| {domain} {prior}, weight {weight:g} | {setting.name} | {columns} |")
            print(lines[-1], flush=True)
    into = Path(config.results or HERE)
    into.mkdir(parents=True, exist_ok=True)
    (into / "iterations.md").write_text("\n".join(lines) + "\n")


def solved(cell: Cell, setting: Setting) -> Solution:
    """-> the solution with these settings, to the gap of the package's defaults."""
    method = ADMM(relaxation=setting.relaxation, penalty=setting.penalty)
    start = TotalVariation.start if setting.flat else (lambda prior, x: x)
    until = converging.BALANCE_UNTIL if setting.balanced else 0
    with patch.object(TotalVariation, "start", start), patch.object(converging, "BALANCE_UNTIL", until):
        return method.minimise(cell.prior, cell.y, cell.operator, cell.weight)


if __name__ == "__main__":
    main()
