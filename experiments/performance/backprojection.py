"""``cryosense backproject`` against ``cryodrgn backproject_voxel``; see README.md. Writes backprojection.md beside this file.

What is in ``output_dir`` already, particles and timed runs, is not made again.
"""

from __future__ import annotations

import statistics
import time
from pathlib import Path

import mrcfile
import numpy as np
import starfile
import torch
from commands import Usage, run, timed
from map_agreement import agreement
from omegaconf import DictConfig, OmegaConf

from cryosense import fourier
from cryosense.data import ParticleStack

HERE = Path(__file__).parent
OURS, THEIRS = "cryosense backproject", "cryodrgn backproject_voxel"
TARGETS = {"speed": 3, "memory": 3}
PIECE = 1000  # particles in memory while the long stack is written
CHUNK = 32  # images that are transformed together, as the command does


def main() -> None:
    """Simulate, time both commands in turns, compare their maps, then the long stack."""
    config = OmegaConf.merge(OmegaConf.load(HERE / "backprojection.yaml"), OmegaConf.from_cli())
    folder, into = Path(config.output_dir).absolute(), Path(config.results or HERE)
    simulate(config, folder)
    made = " ".join(f"{key}={Path(value).name}" for key, value in (word.split("=", 1) for word in config.particles))
    heading = f"{config.threads} threads, torch {torch.__version__}; {config.count} particles of {config.box_size} px, {made}"
    lines = [heading, ""]
    lines += compared(config, folder)
    for images in config.rounds:
        lines += ["", *agreement(folder, images, OURS, THEIRS)]
    write(lines, into)
    write([*lines, "", *streamed(config, folder)], into)


def write(lines: list[str], folder: Path) -> None:
    """Keep and print what is known so far."""
    (folder / "backprojection.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines), flush=True)


def simulate(config: DictConfig, folder: Path) -> None:
    """Particles, and cryoDRGN's own reading of their poses and CTFs, which both commands are given."""
    known = ["-D", str(config.box_size), "--Apix", str(config.pixel_size_angstrom)]
    sizes = [f"{key}={config[key]}" for key in ("box_size", "pixel_size_angstrom", "snr")]
    for name in ("few", "count"):
        data = folder / name
        run(config.threads, "cryosense", "simulate", *sizes, *config.particles, f"count={config[name]}", f"output_dir={data}")
        for tool, tables in (("parse_pose_star", "poses.pkl"), ("parse_ctf_star", "ctf.pkl")):
            if not (data / tables).exists():
                run(config.threads, "cryodrgn", tool, f"{data}/particles.star", "-o", f"{data}/{tables}", *known)


def compared(config: DictConfig, folder: Path) -> list[str]:
    """-> the table of times; the maps of the last run of each stay on disk for :func:`agreement`."""
    took: dict[tuple[str, str], list[Usage]] = {(name, data): [] for name in (OURS, THEIRS) for data in ("few", "count")}
    for images in config.rounds:
        for data in ("few", "count"):
            took[OURS, data].append(ours(config, folder, images, data))
            took[THEIRS, data].append(theirs(config, folder, images, data))
    median = {key: Usage(*map(statistics.median, zip(*usages, strict=True))) for key, usages in took.items()}
    lines = [
        f"| | s | s, {config.few} particles | particles per s | after the start | s of processors | peak memory, GB |",
        "|---|---|---|---|---|---|---|",
    ]
    rates = {}
    for name in (OURS, THEIRS):
        all_of_it, start = median[name, "count"], median[name, "few"]
        rates[name] = (
            config.count / all_of_it.seconds,
            (config.count - config.few) / (all_of_it.seconds - start.seconds),
            config.count / all_of_it.cpu_seconds,
        )
        lines.append(
            f"| {name} | {all_of_it.seconds:.1f} | {start.seconds:.1f} | {rates[name][0]:.1f} | {rates[name][1]:.1f} "
            f"| {all_of_it.cpu_seconds:.1f} | {all_of_it.peak_gb:.2f} |"
        )
    lines.append(f"| floor: the transforms alone | {transforms(config, folder):.1f} | | | | | |")
    whole, later, processors = (a / b for a, b in zip(rates[OURS], rates[THEIRS], strict=True))
    each = [round(b.seconds / a.seconds, 1) for a, b in zip(took[OURS, "count"], took[THEIRS, "count"], strict=True)]
    return [
        *lines,
        "",
        f"Particles per second, ours over theirs: {whole:.1f} (pairs: {', '.join(map(str, each))}), after the start "
        f"{later:.1f}, by seconds of processors {processors:.1f}; aimed at: at least {TARGETS['speed']}.",
    ]


def ours(config: DictConfig, folder: Path, images: str, data: str) -> Usage:
    """Back-project the particles of a data set, every second one to a half set, as cryoDRGN does."""
    output = folder / "ours" / f"{data}_{images}"
    tables = f"data.metadata=[{folder}/{data}/poses.pkl,{folder}/{data}/ctf.pkl]"
    source = [f"data.path={folder}/{data}/{images}.mrcs", tables]
    return timed(config.threads, output, "cryosense", "backproject", *source, f"output_dir={output}")


def theirs(config: DictConfig, folder: Path, images: str, data: str) -> Usage:
    """The same with cryoDRGN, with its own defaults."""
    output = folder / "theirs" / f"{data}_{images}"
    tables = ["--poses", f"{folder}/{data}/poses.pkl", "--ctf", f"{folder}/{data}/ctf.pkl"]
    source = f"{folder}/{data}/{images}.mrcs"
    return timed(config.threads, output, "cryodrgn", "backproject_voxel", source, *tables, "-o", str(output))


@torch.no_grad()
def transforms(config: DictConfig, folder: Path) -> float:
    """-> seconds for what no implementation leaves out: each image's transform, and those of three maps."""
    torch.set_num_threads(config.threads)
    stack = ParticleStack.open(folder / "count" / "particles.mrcs")
    took = 0.0
    for _, images in stack.chunks(CHUNK):
        start = time.perf_counter()
        fourier.half_plane(images)
        took += time.perf_counter() - start
    spectrum = fourier.half_space(torch.zeros((config.box_size,) * 3, dtype=torch.float64))
    start = time.perf_counter()
    for _ in range(3):
        fourier.from_half_space(spectrum, config.box_size)
    return took + time.perf_counter() - start


def streamed(config: DictConfig, folder: Path) -> list[str]:
    """-> memory and time of the command on a stack of the same particles over and over."""
    output, source = folder / "ours" / "long", f"data.path={long_stack(config, folder)}"
    usage = timed(config.threads, output, "cryosense", "backproject", source, f"output_dir={output}")
    return [
        "| particles | peak memory, GB | s | particles per s | aimed at |",
        "|---|---|---|---|---|",
        f"| {config.long_stack} | {usage.peak_gb:.2f} | {usage.seconds:.1f} | {config.long_stack / usage.seconds:.1f} "
        f"| less than {TARGETS['memory']} GB |",
    ]


def long_stack(config: DictConfig, folder: Path) -> Path:
    """-> a STAR file of ``long_stack`` particles, its images written in pieces."""
    star = folder / "long" / "particles.star"
    if star.exists():
        return star
    star.parent.mkdir(exist_ok=True)
    stack, row = ParticleStack.open(folder / "count" / "particles.mrcs"), np.arange(config.long_stack) % config.count
    shape = (config.long_stack, config.box_size, config.box_size)
    with mrcfile.new_mmap(star.with_suffix(".mrcs"), shape, mrc_mode=2, overwrite=True) as mrc:
        mrc.set_image_stack()
        mrc.voxel_size = config.pixel_size_angstrom
        for first in range(0, len(row), PIECE):
            mrc.data[first : first + PIECE] = stack[row[first : first + PIECE]][:, 0].numpy()
    table = starfile.read(folder / "count" / "particles.star", always_dict=True)
    table["particles"] = table["particles"].iloc[row].reset_index(drop=True)
    table["particles"]["rlnImageName"] = [f"{i + 1}@particles.mrcs" for i in range(len(row))]
    starfile.write(table, star, overwrite=True)
    return star


if __name__ == "__main__":
    main()
