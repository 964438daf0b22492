"""Milliseconds per image and ratios; see README.md. Prints a table and writes it to results.md beside this file.

Cells that are in ``output_dir`` already, measured with the same configuration, are not measured again.
"""

from __future__ import annotations

import hashlib
import platform
from bisect import bisect_left
from collections.abc import Callable
from functools import partial
from pathlib import Path

import floor
import paper
import torch
from commands import kept
from omegaconf import DictConfig, OmegaConf
from problem import PRIORS, Cell, best_weight, operators, particles
from timing import Work, seconds, torch_threads, with_threads
from torch import Tensor

from cryosense.operators import LinearOperator
from cryosense.reconstructors import ADMM, PseudoInverse

HERE = Path(__file__).parent
Run = Callable[[Tensor, int], Tensor]
TARGETS = {"dct": 10, "wavelet": 10, "tv": 25, "peers": 2, "floor": 1.5, "pinv": 1000}


def main() -> None:
    """Measure every cell that is not known yet and write what was found."""
    config = OmegaConf.merge(OmegaConf.load(HERE / "config.yaml"), OmegaConf.from_cli())
    images, folder = particles(config), cells_folder(config)
    lines = [header(config)]
    print(lines[0])
    for domain, operator in operators(config).items():
        for prior in config.priors:
            for weight in (None, *config.weights.others):
                path = folder / f"{domain}-{prior}-{weight or 'best'}.md"
                lines.append(kept(path, partial(measured, domain, operator, prior, weight, images, config)))
                print(lines[-1], flush=True)
    (Path(config.results or HERE) / "results.md").write_text("\n".join(lines) + "\n")


def cells_folder(config: DictConfig) -> Path:
    """-> where cells are kept that are measured with this configuration, whichever cells these are."""
    settings = {key: value for key, value in config.items() if key not in {"results", "output_dir", "priors"}}
    text = OmegaConf.to_yaml(OmegaConf.merge(settings, {"weights": {"others": []}}))
    return Path(config.output_dir) / hashlib.sha256(text.encode()).hexdigest()[:12]


def measured(
    domain: str, operator: LinearOperator, prior: str, weight: float | None, images: tuple[Tensor, Tensor], config: DictConfig
) -> str:
    """-> the report of one cell, at the best weight, with peers, if none is given."""
    noisy, clean = images
    used = weight or best_weight(config, operator, prior, noisy[config.images :], clean[config.images :])
    cell = Cell(domain, prior, operator, PRIORS[prior], used, operator(noisy[: config.images]))
    return report(cell, noisy, weight is None, config)


def header(config: DictConfig) -> str:
    """-> what was run where."""
    return (
        f"{platform.processor() or platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}; "
        f"{config.images} images of {config.box_size} px, {config.method}\n"
    )


def report(cell: Cell, noisy: Tensor, with_peers: bool, config: DictConfig) -> str:
    """-> one cell: our time and accuracy, and everyone else's time over ours."""
    reconstructor = cell.ours(ADMM(**config.method))
    solved = reconstructor(cell.y, cell.operator)
    few = solved.x[: config.reference.images]
    gap = float(cell.fixed_point_gap(few).mean())
    excess = float((cell.objective(few) / cell.objective(cell.reference(config)) - 1).max())
    iterations = round(float(solved.iterations.double().mean()))

    others = {"the paper's algorithm": partial(paper_run, cell, noisy[: config.paper.images], config)}
    unfinished = []
    for name, run in peers(cell, config).items() if with_peers else ():
        needed = iterations_needed(run, cell, gap, config)
        if needed is None:
            unfinished.append(f"| {name}: not there after {config.peers.iterations[-1]} iterations | | | |")
        else:
            others[f"{name}, {needed} iterations"] = partial(run, cell.y, needed)
    works: dict[str, Work] = {
        "ours": lambda: reconstructor(cell.y, cell.operator),
        "floor": lambda: floor.run(noisy[: len(cell.y)], cell.operator, cell.prior, iterations),
        "pinv": lambda: PseudoInverse()(cell.y, cell.operator),
    }
    for name, work in others.items():
        works |= {f"{name} {count}": with_threads(count, work) for count in config.others_threads}
    took = seconds(works, config.repeats, config.long_seconds)
    best = {name: min(took[f"{name} {count}"] for count in config.others_threads) / len(cell.y) for name in others}
    best["the paper's algorithm"] *= len(cell.y) / config.paper.images
    table = rows(cell, iterations, {name: took[name] / len(cell.y) for name in ("ours", "floor", "pinv")}, best)
    found = (
        f"Largest gap by which an image stopped {float(solved.gap.max()):.1e}; proximal-gradient gap {gap:.1e}; "
        f"objective above the minimum, relative, {excess:.1e}."
    )
    return "\n".join([f"## {cell.domain}, {cell.prior_name}, weight {cell.weight:g}", *table, *unfinished, "", found, ""])


def rows(cell: Cell, iterations: int, took: dict[str, float], others: dict[str, float]) -> list[str]:
    """-> the table of one cell, from seconds per image."""
    ours, bare, pinv = took["ours"], took["floor"], took["pinv"]
    table = [
        "| | ms per image | over ours | target |",
        "|---|---|---|---|",
        f"| cryosense, {iterations} iterations | {ours * 1e3:.2f} | 1 | |",
        f"| floor: the bare operations | {bare * 1e3:.2f} | 1 / {ours / bare:.2f} | at least 1 / {TARGETS['floor']} |",
    ]
    for name, theirs in others.items():
        target = TARGETS.get(cell.prior_name) if name == "the paper's algorithm" else TARGETS["peers"]
        table.append(f"| {name} | {theirs * 1e3:.2f} | {theirs / ours:.1f} | at least {target} |")
    speed = others["the paper's algorithm"] / pinv
    return [*table, f"| pinv | {pinv * 1e3:.3f} | the paper's over pinv: {speed:.0f} | at least {TARGETS['pinv']} (DCT) |"]


def paper_run(cell: Cell, images: Tensor, config: DictConfig) -> None:
    """The paper's algorithm on images (b, 1, n, n), one at a time."""
    measure = paper.measurement(cell.operator)
    for image in images.split(1):
        paper.reconstruct(image, measure, cell.prior_name, cell.weight, config.paper.iterations, config.paper.learning_rate)


def peers(cell: Cell, config: DictConfig) -> dict[str, Run]:
    """-> what others offer for this problem, by name."""
    penalty, found = config.method.penalty or cell.prior.penalty(cell.weight), dict[str, Run]()
    if "deepinverse" in config.peers.libraries:
        import deepinverse

        found |= deepinverse.runs(cell, penalty, config.peers.inner_iterations)
    if "sigpy" in config.peers.libraries:
        import sigpy_peer

        found |= sigpy_peer.runs(cell, penalty)
    return found


def iterations_needed(run: Run, cell: Cell, gap: float, config: DictConfig) -> int | None:
    """-> the smallest of the iteration counts, found by bisection, that brings a few images' mean gap down to ``gap``."""
    y, tried = cell.y[: config.reference.images], list(config.peers.iterations)

    def arrived(iterations: int) -> bool:
        return float(cell.fixed_point_gap(run(y, iterations)).mean()) <= gap

    with torch_threads(1):
        found = bisect_left(tried, True, key=arrived)
    return tried[found] if found < len(tried) else None


if __name__ == "__main__":
    main()
