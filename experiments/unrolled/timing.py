"""Seconds per image of sparse solvers, converged at their best weight, and of the learned ones; and memory of training.

python experiments/unrolled/timing.py         # after run.py; writes timing.md. Best of several rounds, methods by turns.
"""

from __future__ import annotations

import resource
import time
from functools import partial
from pathlib import Path

import pandas as pd
import torch
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate

from cryosense.cli.conf_dir import conf_dir
from cryosense.data import ParticleSource
from cryosense.measurement import FourierDesign
from cryosense.operators import masks
from cryosense.reconstructors import Reconstructor
from cryosense.reconstructors.unrolled import UnrolledNetwork

HERE = Path(__file__).parent
OUT = Path("outputs/unrolled")
IMAGES, ROUNDS = 64, 3
CELLS = {
    "radialC2.5": ["dct_radial", "dct_radial_3", "dct_radial_2", "haar_radial", "cnn_radial"],
    "pixelK4C2": ["dct_pixel", "dct_pixel_3", "dct_pixel_2", "haar_pixel", "cnn_pixel"],
}
WORDS = {
    "radialC2.5": ["operator=fourier", "operator/masks=radial", "compression=2.5"],
    "pixelK4C2": ["operator=pixel", "compression=2"],
}


def configured(cell: str, *words: str) -> tuple[Reconstructor, torch.Tensor, object]:
    """-> a reconstructor as ``cryosense reconstruct`` makes it, measurements (b, ...) and their operator."""
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        cfg = compose("reconstruct", overrides=["experiment=unrolled", *WORDS[cell], *words])
    source = ParticleSource.open(OUT / "test" / "particles.star", None, None, None, None, None)
    images, _, _ = instantiate(cfg.scaling).fit(source.images, 64)(source.images[:IMAGES])
    operator = instantiate(cfg.operator).operator(images.shape[-1], torch.arange(IMAGES))
    return instantiate(cfg.reconstructor), operator(images), operator


def weight(cell: str, prior: str) -> float:
    """-> the weight that the study chose."""
    path = next((OUT / "runs" / cell).glob(f"*-{prior}-*/rows.parquet"))
    return float(pd.read_parquet(path)["weight"].iloc[0])


def timed(cell: str) -> dict[str, tuple[float, float]]:
    """-> method -> seconds per image, mean iterations."""
    cases = {
        f"{prior}, {method}": configured(
            cell, f"reconstructor={prior}", f"reconstructor.weight={weight(cell, prior)}", f"method={method}"
        )
        for prior in ("dct", "wavelet", "tv")
        for method in ("admm", "fista")
        if (prior, method) != ("tv", "fista")
    }
    for name in CELLS[cell]:
        cases[name] = configured(cell, "reconstructor=unrolled", f"reconstructor.path={OUT / 'models' / name / 'model'}")
    best: dict[str, tuple[float, float]] = {}
    for _ in range(ROUNDS):
        for name, (reconstructor, y, operator) in cases.items():
            began = time.perf_counter()
            estimate = reconstructor(y, operator)
            seconds = (time.perf_counter() - began) / IMAGES
            best[name] = min(best.get(name, (float("inf"), 0.0)), (seconds, float(estimate.iterations.double().mean())))
    return best


def memory(checkpointing: bool) -> float:
    """-> GiB that this process grew to at most in one step of training: ten iterations, 32 channels, 128 px, batch 16."""
    solver = UnrolledNetwork(10, 32, 1.0, 0.01)
    solver.checkpointing = checkpointing
    operator = FourierDesign(partial(masks.radial, sectors=100), True, 2.5, False, 0).operator(128, torch.arange(1))
    solver(operator(torch.randn(16, 1, 128, 128)), operator).square().mean().backward()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def main() -> None:
    """Write timing.md."""
    grown = [f"- training, with checkpointing: {memory(True):.2f} GiB", f"- training, without: {memory(False):.2f} GiB"]
    text = [
        "# Memory and time, written by timing.py",
        "",
        "Peak of the whole process, torch included, network of ten iterations",
    ]
    text += ["and 32 channels, 128 px, batch of 16:", "", *grown, ""]
    for cell in CELLS:
        found = timed(cell)
        text += [f"## {cell}", "", "| method | iterations | ms / image |", "|---|---:|---:|"]
        text += [f"| {name} | {count:.0f} | {1000 * seconds:.2f} |" for name, (seconds, count) in found.items()]
        text += [""]
    (HERE / "timing.md").write_text("\n".join(text))
    print("\n".join(text))


if __name__ == "__main__":
    main()
