"""Time and memory of the verbs that look at many rows at once: printed, and written to collecting.md beside this file.

``collect`` and ``report`` on a made-up sweep of 100,000 rows, ``compare-latents`` on the made-up latents of 100,000 particles.
Runs hold rows and one example image each; they are made once into outputs/collecting and kept.
"""

from __future__ import annotations

import shutil
from itertools import islice, product
from pathlib import Path

import numpy as np
import torch
from commands import run
from omegaconf import DictConfig, OmegaConf

from cryosense.files.writing import write_json_atomic
from cryosense.metrics.row_columns import SCHEMA
from cryosense.runs.rows import RowWriter
from cryosense.tasks.reconstruct.kept import write_example

HERE = Path(__file__).parent
SCRATCH = Path("outputs") / "collecting"
SCORES = ("psnr", "ssim", "lpips", "mse", "psnr_clean", "ssim_clean", "lpips_clean", "correlation_clean")


def main() -> None:
    """Make what is not there, run each command in a process of its own, print what it took, start of the program included."""
    config = OmegaConf.merge(OmegaConf.load(HERE / "collecting.yaml"), OmegaConf.from_cli())
    directory = SCRATCH / f"{config.runs}_runs_of_{config.images}"
    if not (directory / "complete").is_file():
        write_sweep(directory, config)
    rows = f"{config.runs * config.images} rows of {config.runs} runs"
    commands = {f"collect, {rows}": ["collect", str(directory)], f"report, {rows}": ["report", str(directory)]}
    latents = [str(path) for path in write_latents(SCRATCH / "latents", config)]
    for embedding in config.embeddings:
        words = [f"embedding={embedding}", f"output_dir={SCRATCH / 'compared' / embedding}"]
        commands[f"compare-latents, {embedding}, {config.particles} particles"] = ["compare-latents", *latents, *words]
    lines = ["| command | seconds | of a processor | peak memory, GB |", "|---|---:|---:|---:|"]
    shutil.rmtree(SCRATCH / "compared", ignore_errors=True)
    for title, words in commands.items():
        took = run(1, "cryosense", *words)
        lines.append(f"| {title} | {took.seconds:.0f} | {took.cpu_seconds:.0f} | {took.peak_gb:.2f} |")
        print(lines[-1], flush=True)
    (Path(config.results or HERE) / "collecting.md").write_text("\n".join(lines) + "\n")


def write_latents(directory: Path, config: DictConfig) -> list[Path]:
    """-> two files: particles in four states along eight dimensions, the second a turn of the first with noise of its own."""
    directory.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(0)
    states = 3 * random.standard_normal((4, 8))[random.integers(4, size=config.particles)]
    turn = np.linalg.qr(random.standard_normal((8, 8)))[0]
    paths = [directory / "a.npy", directory / "b.npy"]
    for path, axes in zip(paths, (np.eye(8), turn), strict=True):
        np.save(path, ((states + random.standard_normal(states.shape)) @ axes).astype(np.float32))
    return paths


def write_sweep(directory: Path, config: DictConfig) -> None:
    """Runs of every method on operators of both domains, one compression after the other, until there are enough."""
    shutil.rmtree(directory, ignore_errors=True)
    compressions = np.arange(1, 1 + config.runs) / 10 + 1
    cells = islice(product(compressions, config.operators, config.methods), config.runs)
    for number, (compression, operator, method) in enumerate(cells):
        row = {
            "run_id": f"{number:012x}",
            "data": "made up",
            "seed": 0,
            "noise_sigma": 0.0,
            "compression_nominal": compression,
        }
        write_run(directory / f"run-{number:012x}", row | dict(operator) | dict(method), config.images, config.box_size)
    (directory / "complete").touch()


def write_run(directory: Path, row: dict, images: int, box_size: int) -> None:
    """A finished run: one draw of every score for each image, and noise as the example."""
    random = np.random.default_rng(int(row["run_id"], 16))
    drawn = random.random((len(SCORES), images))
    noise = torch.from_numpy(random.standard_normal((4, box_size, box_size), np.float32))
    scores = {name: values.tolist() for name, values in zip(SCORES, drawn, strict=True)}
    writer = RowWriter(directory, SCHEMA)
    dof = row["compression_nominal"]
    writer.append(0, row | scores | {"particle": list(range(images)), "compression_dof": dof, "seconds": 0.1})
    writer.finish()
    write_example(directory, 0, *noise, None)
    write_json_atomic(directory / "summary.json", row)
    write_json_atomic(directory / "done.json", {"particles": images})


if __name__ == "__main__":
    main()
