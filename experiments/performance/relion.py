"""``cryosense backproject`` against ``relion_reconstruct``; see README.md. Writes relion.md beside this file.

What is in ``output_dir`` already, particles and timed runs, is not made again.
"""

from __future__ import annotations

import statistics
import sys
from pathlib import Path

import mrcfile
import numpy as np
import starfile
import torch
from commands import Usage, run, timed
from map_agreement import read
from omegaconf import DictConfig, OmegaConf

from cryosense.data import ParticleStack
from cryosense.fourier import fourier_pad
from cryosense.metrics import fsc, sphere_mask

HERE = Path(__file__).parent
SUBSETS = {"map": "-1", "half1": "1", "half2": "2"}
EDGE_PIXELS = 8
PIECE = 100  # particles in memory while a larger stack is written
TARGETS = {"insertion": 1.3, "command": 1.0, "fsc": 0.005, "gb": {128: 0.9, 256: 5.0, 384: 14.0}}


def main() -> None:
    """Simulate, time both in turns, compare the maps with the truth, then the larger boxes."""
    config = OmegaConf.merge(OmegaConf.load(HERE / "relion.yaml"), OmegaConf.from_cli())
    folder, into = Path(config.output_dir).absolute(), Path(config.results or HERE)
    for name in ("few", "count"):
        known = [f"{key}={config[key]}" for key in ("box_size", "pixel_size_angstrom", "snr")]
        known += ["density=map", f"density.path={Path(config.density).absolute()}"]
        if not (folder / name / "particles.star").exists():
            run(config.threads, "cryosense", "simulate", *known, f"count={config[name]}", f"output_dir={folder / name}")
    lines = [*compared(config, folder), "", *to_the_truth(folder)]
    write(lines, into)
    write([*lines, "", *larger(config, folder)], into)


def write(lines: list[str], folder: Path) -> None:
    """Keep and print what is known so far."""
    (folder / "relion.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines), flush=True)


def compared(config: DictConfig, folder: Path) -> list[str]:
    """-> the table of seconds of processors, which other work on the machine changes least, with ratios of each pair."""
    back_projected(config, folder, "few", "first")  # compiles what no later run does
    pairs = [round_of(config, folder, number) for number in range(config.rounds)]
    heading = f"{config.few} and {config.count} particles of {config.box_size} px, {config.threads} thread(s)"
    lines = [
        f"{heading}: seconds of processors (user and system), medians of {config.rounds} pairs in turns.",
        "",
        "| | cryosense backproject | relion_reconstruct | ours over theirs, each pair | aimed at |",
        "|---|---|---|---|---|",
    ]
    kinds = {
        "insertion of a particle, ms (reading, transform, shift, CTF)": ("insertion", f"theirs over {TARGETS['insertion']}"),
        "the command: both half maps, full map; ours with FSC and figures": ("command", "theirs"),
        f"the command on {config.few} particles": ("fixed", ""),
    }
    for label, (kind, aim) in kinds.items():
        ours, theirs = ([pair[kind][side] for pair in pairs] for side in (0, 1))
        ratios = ", ".join(f"{a / b:.2f}" for a, b in zip(ours, theirs, strict=True))
        lines.append(f"| {label} | {statistics.median(ours):.2f} | {statistics.median(theirs):.2f} | {ratios} | {aim} |")
    peaks = [[pair["peak"][side] for pair in pairs] for side in (0, 1)]
    aim = f"{TARGETS['gb'][config.box_size]} GB" if config.box_size in TARGETS["gb"] else ""
    lines.append(f"| peak memory, GB | {max(peaks[0]):.2f} | {max(peaks[1]):.2f} | | {aim} |")
    bare = [run(config.threads, Path(sys.executable).name, "-c", "import torch") for _ in range(config.rounds)]
    seconds, gb = statistics.median(usage.cpu_seconds for usage in bare), max(usage.peak_gb for usage in bare)
    return [*lines, f"| `import torch` alone, s; its peak, GB | {seconds:.2f}; {gb:.2f} | | | |"]


def round_of(config: DictConfig, folder: Path, number: int) -> dict[str, tuple[float, float]]:
    """-> ours and theirs of one pair: insertion, whole command, fixed cost and peak memory."""
    took: dict[str, tuple[Usage, list[Usage]]] = {}
    for data in ("few", "count"):
        mine = back_projected(config, folder, data, str(number))
        took[data] = (mine, [theirs(config, folder, data, name, number) for name in SUBSETS])
    insertion = tuple(
        1e3 * (whole.cpu_seconds - start.cpu_seconds) / (config.count - config.few)
        for whole, start in ((took["count"][0], took["few"][0]), (took["count"][1][0], took["few"][1][0]))
    )
    costs = {
        kind: (took[data][0].cpu_seconds, sum(usage.cpu_seconds for usage in took[data][1]))
        for kind, data in (("command", "count"), ("fixed", "few"))
    }
    peak = (took["count"][0].peak_gb, max(usage.peak_gb for usage in took["count"][1]))
    return {"insertion": (insertion[0], insertion[1]), **costs, "peak": peak}


def back_projected(config: DictConfig, folder: Path, data: str, number: str) -> Usage:
    """Back-project a data set, through the command line with its defaults."""
    output = folder / "ours" / f"{data}_{number}"
    source = f"data.path={folder / data}/particles.star"
    return timed(config.threads, output, "cryosense", "backproject", source, f"output_dir={output}")


def theirs(config: DictConfig, folder: Path, data: str, name: str, number: int) -> Usage:
    """Reconstruct one of RELION's three maps, as the command line's defaults of padding and interpolation make it."""
    output = folder / "theirs" / f"{data}_{name}_{number}"
    options = ["--ctf", "--pad", "2", "--skip_gridding", "--subset", SUBSETS[name]]
    files = ["--i", "particles.star", "--o", f"{output}/map.mrc"]
    # RELION reads images from the folder it is started in.
    return timed(config.threads, output, "relion_reconstruct", *files, *options, cwd=folder / data)


def to_the_truth(folder: Path) -> list[str]:
    """-> FSC of both programs' maps to the density in a common soft sphere, and in which shells they differ."""
    truth, _ = read(folder / "count" / "volume.mrc")
    n = len(truth)
    sphere = sphere_mask(truth, 1.0, radius_angstrom=n / 2 - EDGE_PIXELS, edge_pixels=EDGE_PIXELS)
    lines = [
        "| FSC to the truth in a soft sphere | ours at 0.25, 0.5, 0.75 of Nyquist | RELION's | ours less theirs, largest 3 "
        f"| shells beyond {TARGETS['fsc']} (aimed at: none) |",
        "|---|---|---|---|---|",
    ]
    for name in SUBSETS:
        mine, _ = read(folder / "ours" / "count_0" / f"{name}.mrc")
        other, _ = read(folder / "theirs" / f"count_{name}_0" / "map.mrc")
        curves = [fsc(volume * sphere, truth * sphere)[1 : n // 2] for volume in (mine, other)]
        shown = [", ".join(f"{float(curve[round(share * n / 2) - 1]):.3f}" for share in (0.25, 0.5, 0.75)) for curve in curves]
        difference = curves[0] - curves[1]
        largest = ", ".join(
            f"{float(difference[shell]):+.4f} in shell {shell + 1} (ours {float(curves[0][shell]):.3f})"
            for shell in difference.abs().topk(3).indices.tolist()
        )
        beyond = int((difference.abs() > TARGETS["fsc"]).sum())
        lines.append(f"| {name} | {shown[0]} | {shown[1]} | {largest} | {beyond} of {len(difference)} |")
    return lines


def larger(config: DictConfig, folder: Path) -> list[str]:
    """-> memory and time of the command on larger boxes."""
    lines = ["| box, px | particles | peak memory, GB | seconds of processors | aimed at |", "|---|---|---|---|---|"]
    for box_size, count in ((int(larger.box_size), int(larger.count)) for larger in config.large):
        star = padded(config, folder, box_size, count)
        output = folder / "ours" / f"box_{box_size}"
        usage = timed(config.threads, output, "cryosense", "backproject", f"data.path={star}", f"output_dir={output}")
        aim = f"{TARGETS['gb'][box_size]} GB" if box_size in TARGETS["gb"] else ""
        lines.append(f"| {box_size} | {count} | {usage.peak_gb:.2f} | {usage.cpu_seconds:.1f} | {aim} |")
    return lines


def padded(config: DictConfig, folder: Path, box_size: int, count: int) -> Path:
    """-> a STAR file of the first particles, with empty high frequencies added up to the larger box."""
    star = folder / f"box_{box_size}" / "particles.star"
    if star.exists():
        return star
    star.parent.mkdir(exist_ok=True)
    stack = ParticleStack.open(folder / "count" / "particles.mrcs")
    pixel_size = config.pixel_size_angstrom * config.box_size / box_size
    with mrcfile.new_mmap(star.with_suffix(".mrcs"), (count, box_size, box_size), mrc_mode=2, overwrite=True) as mrc:
        mrc.set_image_stack()
        mrc.voxel_size = pixel_size
        for first in range(0, count, PIECE):
            numbers = torch.arange(first, min(first + PIECE, count))
            mrc.data[numbers.numpy()] = fourier_pad(stack[numbers][:, 0], box_size).numpy().astype(np.float32)
    table = starfile.read(folder / "count" / "particles.star", always_dict=True)
    table["optics"]["rlnImagePixelSize"], table["optics"]["rlnImageSize"] = pixel_size, box_size
    table["particles"] = table["particles"].iloc[:count]
    table["particles"]["rlnImageName"] = [f"{i + 1}@particles.mrcs" for i in range(count)]
    starfile.write(table, star, overwrite=True)
    return star


if __name__ == "__main__":
    main()
