"""Seconds of ``cryosense collect`` on a made-up sweep of 100,000 rows: printed, and written to collecting.md beside this file.

The run directories hold rows and one example image each; they are made once into outputs/collecting and kept.
"""

from __future__ import annotations

import shutil
import time
from itertools import islice, product
from pathlib import Path

import numpy as np
import torch
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf

from cryosense.cli.collect import gather
from cryosense.cli.conf_dir import conf_dir
from cryosense.files.writing import write_json_atomic
from cryosense.metrics.score_table import SCHEMA
from cryosense.runs.rows import RowWriter
from cryosense.tasks.reconstruct.kept import write_example

HERE = Path(__file__).parent
SCRATCH = Path("outputs") / "collecting"
SCORES = ("psnr", "ssim", "lpips", "mse", "psnr_clean", "ssim_clean", "lpips_clean", "correlation_clean")


def main() -> None:
    """Make the sweep if it is not there, collect it, print the time; start of the program not counted."""
    config = OmegaConf.merge(OmegaConf.load(HERE / "collecting.yaml"), OmegaConf.from_cli())
    directory = SCRATCH / f"{config.runs}_runs_of_{config.images}"
    if not (directory / "complete").is_file():
        write_sweep(directory, config)
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        cfg = compose("collect", overrides=[f"directory={directory}"])
    start, cpu_start = time.perf_counter(), time.process_time()
    gather(cfg)
    seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu_start
    lines = ["| runs | rows | seconds | of a processor |", "|---|---|---|---|"]
    lines.append(f"| {config.runs} | {config.runs * config.images} | {seconds:.1f} | {cpu_seconds:.1f} |")
    print("\n".join(lines))
    (HERE / "collecting.md").write_text("\n".join(lines) + "\n")


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
