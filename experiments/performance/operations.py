"""What a GPU would have to do for TV and for posterior samples, beside their floors, counted without one; see README.md.

python experiments/performance/operations.py [images=16 box_size=64 evaluations=10 samplers=null]

Counts operations, not time. Writes operations.md into the folder of ``results``.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable
from pathlib import Path

import floor
import torch
from gpu_solvers import DESIGNS, discs
from omegaconf import DictConfig, OmegaConf

from cryosense.denoisers import open_ddpm
from cryosense.measurement import GaussianNoise, Measurement, acquire
from cryosense.priors import TotalVariation
from cryosense.reconstructors import ADMM, Posterior, Sampler, Sparse
from cryosense.reconstructors.samplers import STATIONARY, jacobian_covariance, scalar_covariance
from cryosense.solvers.posterior import ddnm, diffpir, dps, nesterov, pigdm

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))
from tests.launches import Launches, counted  # noqa: E402
from tests.pretended_device import pretended  # noqa: E402

SETTINGS = {
    "images": 16,
    "box_size": 64,
    "iterations": [40, 80],
    "weight": 0.3,
    "evaluations": 10,
    "samplers": None,
    "results": None,
}
SAMPLERS = {
    "stationary": STATIONARY,
    "ddnm": Sampler("ddnm", ddnm),
    "diffpir": Sampler("diffpir", diffpir),
    "nesterov": Sampler("nesterov", nesterov),
    "dps": Sampler("dps", dps),
    "pigdm": Sampler("pigdm", pigdm, scalar_covariance),
    "jacobian": Sampler("jacobian", pigdm, jacobian_covariance),
}


def main() -> None:
    """Count, and write what was counted."""
    config = OmegaConf.merge(SETTINGS, OmegaConf.from_cli())
    text = [
        f"Operations counted for {config.images} images on a pretended device, torch {torch.__version__}; no GPU was used",
        "",
        *tv_lines(config),
        "",
        *posterior_lines(config),
    ]
    into = Path(config.results or HERE)
    into.mkdir(parents=True, exist_ok=True)
    (into / "operations.md").write_text("\n".join(text) + "\n")
    print("\n".join(text), flush=True)


def counts(work: Callable[[], object]) -> Launches:
    """-> of the work."""
    with counted() as made:
        work()
    return made


def row(name: str, ours: Launches, others: Launches, planes: float, pieces: float) -> str:
    """-> a line of per-piece counts; ``planes``: bytes of all images once, ``others``: of what is set beside."""
    cells = [f"{ours.launches / pieces:.1f}", f"{others.launches / pieces:.1f}", f"{ours.launches / others.launches:.2f}"]
    cells += [f"{made.bytes / planes / pieces:.1f}" for made in (ours, others)]
    return f"| {name} | {' | '.join(cells)} | {ours.bytes / others.bytes:.2f} | {ours.waits / pieces:.2f} |"


def header(what: str, unit: str, beside: str) -> list[str]:
    """-> the head of a table."""
    columns = ["launches", beside, "over it", "images read or written, for each image", beside, "over it", "waits"]
    return [f"| {what}, per {unit} | {' | '.join(columns)} |", "|---" * (1 + len(columns)) + "|"]


@torch.no_grad()
def tv_lines(config: DictConfig) -> list[str]:
    """-> per iteration, checks included: the difference of a longer run and a shorter one in which no image stops."""
    prior, few_and_many, n = TotalVariation(), list(config.iterations), config.box_size
    made, planes = header("TV", "iteration", "of the floor"), config.images * n**2 * 4
    for name, measured in measurements(config, n).items():
        with pretended() as device:
            moved = copy.deepcopy(measured).to(device)

            def ours(iterations: int, moved: Measurement = moved) -> None:
                Sparse(prior, config.weight, ADMM(tolerance=0.0, max_iterations=iterations))(moved)

            def bare(iterations: int, moved: Measurement = moved, device: torch.device = device) -> None:
                with torch.device(device):
                    floor.run(torch.randn(config.images, 1, n, n), moved.operator, prior, iterations)

            ours(1)  # so that what is kept of masks is there
            found = [_difference(*(counts(lambda i=i, work=work: work(i)) for i in few_and_many)) for work in (ours, bare)]
        made.append(row(name, *found, planes, few_and_many[1] - few_and_many[0]))
    return made


@torch.no_grad()
def posterior_lines(config: DictConfig) -> list[str]:
    """-> per evaluation of the network, all else that a sample takes included."""
    made = header("posterior", "evaluation", "of the network")
    network = open_ddpm()
    n = network.box_size
    planes = config.images * n**2 * 4
    for name, measured in measurements(config, n).items():
        with pretended() as device:
            moved, denoiser = copy.deepcopy(measured).to(device), copy.deepcopy(network).to(device)
            bare = counts(lambda d=denoiser, device=device: [d(torch.zeros(config.images, 1, n, n, device=device), 40)])
            bare = Launches(bare.launches * config.evaluations, bare.bytes * config.evaluations)
            for sampler in SAMPLERS if config.samplers is None else config.samplers:
                method = Posterior(denoiser, sampler=SAMPLERS[sampler], network_evaluations=config.evaluations).to(device)
                method(moved.part(torch.zeros(1, dtype=torch.int64, device=device)))  # so that what is kept of masks is there
                ours = counts(lambda method=method, moved=moved: method(moved))
                made.append(row(f"{name}, {sampler}", ours, bare, planes, config.evaluations))
    return made


def measurements(config: DictConfig, n: int) -> dict[str, Measurement]:
    """-> of discs in noise, by the domain of the masks."""
    images, numbers = discs(config.images, n), torch.arange(config.images)
    return {name: acquire(images, numbers, design(), GaussianNoise(0.1)) for name, design in DESIGNS.items()}


def _difference(few: Launches, many: Launches) -> Launches:
    return Launches(many.launches - few.launches, many.bytes - few.bytes, many.waits - few.waits)


if __name__ == "__main__":
    main()
