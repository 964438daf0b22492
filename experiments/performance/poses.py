"""``cryosense align`` against the expectation step of ``relion_refine`` on the same grid; see README.md. Writes poses.md.

What is in ``output_dir`` already, particles and timed runs, is not made again.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from pathlib import Path

import mrcfile
import numpy as np
import starfile
import torch
from commands import Usage, run, timed
from omegaconf import DictConfig, OmegaConf

from cryosense.alignment import angles_between_deg
from cryosense.data.maps import read_map
from cryosense.volumes.poses import rotation_matrices

HERE = Path(__file__).parent
ANGLES = ["rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi"]
ORIGINS = ["rlnOriginXAngst", "rlnOriginYAngst"]
THEIRS, AIM = "relion_refine", 10.0  # times as fast
STAR = {THEIRS: "run_it001_data.star"}
REPLICATES = 2000


def main() -> None:
    """Time all kinds in turns on the same particles, then ours alone to 1.9 degrees."""
    config = OmegaConf.merge(OmegaConf.load(HERE / "poses.yaml"), OmegaConf.from_cli())
    folder = Path(config.output_dir).absolute()
    works: dict[str, Callable[[Path, Path], Usage]] = {
        kind: lambda data, output, words=words: ours(config, data, output, f"{config.words} {words}")
        for kind, words in config.kinds.items()
    }
    works[THEIRS] = lambda data, output: theirs(config, data, output)
    rounds = []
    for number in range(config.rounds):
        sets = {count: particles(config, folder, count) for count in (config.few, config.count)}
        rounds.append(
            {
                kind: [work(data, folder / slug(kind) / f"{count}_{number}") for count, data in sets.items()]
                for kind, work in works.items()
            }
        )
    lines = table(config, folder, rounds)
    text = "\n".join([*lines, "", *fine(config, folder)]) + "\n"
    (Path(config.results or HERE) / "poses.md").write_text(text)
    print(text)


def particles(config: DictConfig, folder: Path, count: int) -> Path:
    """-> simulated particles with ``blind.star``, which does not hold their poses."""
    data = folder / f"particles_{count}"
    if not (data / "blind.star").exists():
        words = [f"{key}={config[key]}" for key in ("box_size", "pixel_size_angstrom", "snr")]
        words += [f"count={count}", f"output_dir={data}", f"relion_root={data}"]  # RELION is started there
        run(config.threads, "cryosense", "simulate", *words)
        blocks = starfile.read(data / "particles.star", always_dict=True)
        blocks["particles"] = blocks["particles"].drop(columns=[*ANGLES, *ORIGINS])
        starfile.write(blocks, data / "blind.star")
    return data


def scaled(data: Path) -> str:
    """-> the true map in the units in which RELION's projections of it are the particles, by a map that it made of them."""
    if not (data / "scaled.mrc").exists():
        run(1, "relion_reconstruct", "--i", "particles.star", "--o", "made.mrc", "--ctf", "--pad", "2", cwd=data)
        made, truth = (read_map(data / name) for name in ("made.mrc", "volume.mrc"))
        scale = float((made.values * truth.values).sum() / truth.values.square().sum())
        with mrcfile.new(data / "scaled.mrc", (scale * truth.values).float().numpy()) as file:
            file.voxel_size = truth.voxel_angstrom[0]
    return "scaled.mrc"


def ours(config: DictConfig, data: Path, output: Path, words: str) -> Usage:
    """-> what ``cryosense align`` took, from the true map at the stated resolution."""
    files = [f"data.path={data}/blind.star", f"reference={data}/volume.mrc", f"output_dir={output}"]
    resolution = f"reference_resolution_angstrom={config.resolution_angstrom}"
    return timed(config.threads, output, "cryosense", "align", *files, resolution, *words.split())


def theirs(config: DictConfig, data: Path, output: Path) -> Usage:
    """-> what one iteration of ``relion_refine`` took from the same map."""
    files = ["--i", "blind.star", "--ref", scaled(data), "--o", f"{output}/run"]
    options = ["--ini_high", str(config.resolution_angstrom), *config.relion.split(), "--j", str(config.threads)]
    return timed(config.threads, output, THEIRS, *files, *options, cwd=data)


def table(config: DictConfig, folder: Path, rounds: list[dict[str, list[Usage]]]) -> list[str]:
    """-> milliseconds of one more particle, the ratios of each round, and errors."""
    each = {kind: [one_more_ms(config, *taken[kind]) for taken in rounds] for kind in rounds[0]}
    truth = folder / f"particles_{config.count}" / "particles.star"
    lines = [
        f"{config.few} and {config.count} particles of {config.box_size} px, SNR {config.snr}, {config.threads} thread(s), by "
        f"seconds of processors: the difference of two runs, medians of {config.rounds} round(s) in turns.",
        "",
        f"| | one more particle, ms | {THEIRS}'s over it, each round (aim {AIM:g}) | the run on {config.few}, s | peak, GB "
        f"| median error, degrees | over {THEIRS}'s (paired 95 %) | within 20 degrees |",
        "|---|---|---|---|---|---|---|---|",
    ]
    errors = {
        kind: error_deg(folder / slug(kind) / f"{config.count}_0" / STAR.get(kind, "particles.star"), truth) for kind in each
    }
    for kind, taken in each.items():
        ratios = ", ".join(f"{other / mine:.1f}" for mine, other in zip(taken, each[THEIRS], strict=True))
        start = statistics.median(usages[kind][0].cpu_seconds for usages in rounds)
        peak = max(usages[kind][1].peak_gb for usages in rounds)
        lines.append(
            f"| {kind} | {statistics.median(taken):.1f} | {ratios} | {start:.1f} | {peak:.2f} | {np.median(errors[kind]):.2f} "
            f"| {paired(errors[kind], errors[THEIRS])} | {np.mean(errors[kind] < 20):.1%} |"
        )
    return lines


def slug(kind: str) -> str:
    """-> a kind's folder."""
    return kind.replace(", ", "_")


def paired(errors: np.ndarray, others: np.ndarray) -> str:
    """-> the ratio of medians with its interval over particles that are drawn in pairs."""
    drawn = np.random.default_rng(0).integers(len(errors), size=(REPLICATES, len(errors)))
    low, high = np.quantile(np.median(errors[drawn], axis=1) / np.median(others[drawn], axis=1), [0.025, 0.975])
    return f"{np.median(errors) / np.median(others):.2f} ({low:.2f} to {high:.2f})"


def one_more_ms(config: DictConfig, start: Usage, whole: Usage) -> float:
    """-> milliseconds of processors."""
    return 1e3 * (whole.cpu_seconds - start.cpu_seconds) / (config.count - config.few)


def fine(config: DictConfig, folder: Path) -> list[str]:
    """-> seconds and memory of runs to 1.9 degrees on ever more particles, and how long the number told of takes."""
    counts = list(config.fine.counts)
    taken = [ours(config, particles(config, folder, count), folder / f"fine/{count}", config.fine.words) for count in counts]
    lines = [
        f"`cryosense align {config.fine.words}`, from 15 degrees, polished, {config.threads} thread(s):",
        "",
        "| particles | seconds of processors | one more particle than in the row above, ms | peak, GB |",
        "|---|---|---|---|",
    ]
    slope = 0.0
    for number, (count, usage) in enumerate(zip(counts, taken, strict=True)):
        if number:
            slope = (usage.cpu_seconds - taken[number - 1].cpu_seconds) / (count - counts[number - 1])
        shown = f"{1e3 * slope:.1f}" if number else ""
        lines.append(f"| {count} | {usage.cpu_seconds:.1f} | {shown} | {usage.peak_gb:.2f} |")
    minutes = (taken[-1].cpu_seconds + slope * (config.fine.told - counts[-1])) / 60
    return [*lines, "", f"{config.fine.told} at the last row's rate: {minutes:.1f} minutes of one processor."]


def error_deg(found: Path, truth: Path) -> np.ndarray:
    """-> (n,) angles to the true poses."""
    rotations = []
    for path in (found, truth):
        rows = starfile.read(path, always_dict=True)["particles"]
        number = rows["rlnImageName"].str.split("@").str[0].astype(int)
        angles = rows.assign(number=number).sort_values("number")[ANGLES].to_numpy(dtype=float)
        rotations.append(rotation_matrices(torch.from_numpy(angles)))
    return angles_between_deg(rotations[0], rotations[1], torch.eye(3)[None]).numpy()


if __name__ == "__main__":
    main()
