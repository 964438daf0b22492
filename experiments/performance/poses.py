"""``cryosense align`` against the expectation step of ``relion_refine`` on the same grid; see README.md. Writes poses.md.

What is in ``output_dir`` already, particles and timed runs, is not made again.
"""

from __future__ import annotations

import statistics
from pathlib import Path

import numpy as np
import starfile
import torch
from commands import Usage, run, timed
from omegaconf import DictConfig, OmegaConf

from cryosense.alignment import angles_between_deg
from cryosense.volumes.poses import rotation_matrices

HERE = Path(__file__).parent
ANGLES = ["rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi"]
ORIGINS = ["rlnOriginXAngst", "rlnOriginYAngst"]
AIM = 10.0  # times as fast


def main() -> None:
    """Simulate, time both in turns, compare their poses with the truth."""
    config = OmegaConf.merge(OmegaConf.load(HERE / "poses.yaml"), OmegaConf.from_cli())
    folder = Path(config.output_dir).absolute()
    for name in ("few", "count"):
        data = folder / name
        if not (data / "blind.star").exists():
            words = [f"{key}={config[key]}" for key in ("box_size", "pixel_size_angstrom", "snr")]
            run(config.threads, "cryosense", "simulate", *words, f"count={config[name]}", f"output_dir={data}")
            blocks = starfile.read(data / "particles.star", always_dict=True)
            blocks["particles"] = blocks["particles"].drop(columns=[*ANGLES, *ORIGINS])
            starfile.write(blocks, data / "blind.star")
    pairs = [{name: pair(config, folder, name, number) for name in ("few", "count")} for number in range(config.rounds)]
    text = "\n".join(table(config, folder, pairs)) + "\n"
    (HERE / "poses.md").write_text(text)
    print(text)


def pair(config: DictConfig, folder: Path, name: str, number: int) -> tuple[Usage, Usage]:
    """-> what ours and theirs took on the same particles, from the true map at the same resolution, on the same grid."""
    data, threads = folder / name, config.threads
    outputs = [folder / who / f"{name}_{number}" for who in ("ours", "theirs")]
    words = [f"data.path={data}/blind.star", f"reference={data}/volume.mrc", f"output_dir={outputs[0]}"]
    words += [f"reference_resolution_angstrom={config.resolution_angstrom}", *config.words.split()]
    ours = timed(threads, outputs[0], "cryosense", "align", *words)
    outputs[1].mkdir(parents=True, exist_ok=True)
    files = ["--i", f"{data}/blind.star", "--ref", f"{data}/volume.mrc", "--o", f"{outputs[1]}/run"]
    options = ["--ini_high", str(config.resolution_angstrom), *config.relion.split(), "--j", str(threads)]
    return ours, timed(threads, outputs[1], "relion_refine", *files, *options)


def table(config: DictConfig, folder: Path, pairs: list[dict[str, tuple[Usage, Usage]]]) -> list[str]:
    """-> milliseconds of each particle, with the ratio of each pair, and errors."""
    heading = f"{config.few} and {config.count} particles of {config.box_size} px, SNR {config.snr}, {config.threads} threads"
    lines = [
        f"{heading}: the difference of two runs, medians of {config.rounds} pair(s) in turns.",
        "",
        "| | cryosense align | relion_refine | theirs over ours, each pair | aimed at |",
        "|---|---|---|---|---|",
    ]
    for kind, label in (("seconds", "a particle on the clock, ms"), ("cpu_seconds", "a particle, seconds of processors, ms")):
        ours, theirs = ([each_ms(config, taken, kind, side) for taken in pairs] for side in (0, 1))
        ratios = ", ".join(f"{b / a:.2f}" for a, b in zip(ours, theirs, strict=True))
        lines.append(f"| {label} | {statistics.median(ours):.1f} | {statistics.median(theirs):.1f} | {ratios} | {AIM:g} |")
    starts = [statistics.median([taken["few"][side].cpu_seconds for taken in pairs]) for side in (0, 1)]
    lines.append(f"| the command on {config.few} particles, seconds of processors | {starts[0]:.1f} | {starts[1]:.1f} | | |")
    peaks = [max(taken["count"][side].peak_gb for taken in pairs) for side in (0, 1)]
    lines.append(f"| peak memory, GB | {peaks[0]:.2f} | {peaks[1]:.2f} | | |")
    truth = folder / "count" / "particles.star"
    found = (folder / "ours" / "count_0" / "particles.star", folder / "theirs" / "count_0" / "run_it001_data.star")
    errors = [error_deg(path, truth) for path in found]
    shown = [f"{np.median(each):.2f}, {np.mean(each < 20):.1%}" for each in errors]
    return [*lines, f"| median error in degrees, within 20 degrees | {shown[0]} | {shown[1]} | | |"]


def each_ms(config: DictConfig, taken: dict[str, tuple[Usage, Usage]], kind: str, side: int) -> float:
    """-> milliseconds that one more particle takes."""
    whole, start = (float(getattr(taken[name][side], kind)) for name in ("count", "few"))
    return 1e3 * (whole - start) / (config.count - config.few)


def error_deg(found: Path, truth: Path) -> np.ndarray:
    """-> (n,) angles to the true poses."""
    rotations = []
    for path in (found, truth):
        particles = starfile.read(path, always_dict=True)["particles"]
        number = particles["rlnImageName"].str.split("@").str[0].astype(int)
        angles = particles.assign(number=number).sort_values("number")[ANGLES].to_numpy(dtype=float)
        rotations.append(rotation_matrices(torch.from_numpy(angles)))
    return angles_between_deg(rotations[0], rotations[1], torch.eye(3)[None]).numpy()


if __name__ == "__main__":
    main()
