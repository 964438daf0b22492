"""Memory and time of ``cryosense reconstruct`` on stacks of two lengths; see README.md. Writes streaming.md beside this file.

The stacks are simulated once into outputs/streaming and kept; the runs are made anew each time.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from commands import Usage, run
from omegaconf import DictConfig, OmegaConf

HERE = Path(__file__).parent
SCRATCH = Path("outputs") / "streaming"


def main() -> None:
    """Simulate, reconstruct each stack in a process of its own, print what it took."""
    config = OmegaConf.merge(OmegaConf.load(HERE / "streaming.yaml"), OmegaConf.from_cli())
    lines = ["| reconstructor | particles | peak memory, GB | seconds | seconds of processors | ms of these per particle |"]
    lines.append("|---|---|---|---|---|---|")
    print("\n".join(lines), flush=True)
    for reconstructor in config.reconstructors:
        for count in config.counts:
            took = reconstructed(simulated(count, config), reconstructor, config)
            times = f"{took.seconds:.1f} | {took.cpu_seconds:.1f} | {1e3 * took.cpu_seconds / count:.2f}"
            lines.append(f"| {reconstructor} | {count} | {took.peak_gb:.2f} | {times} |")
            print(lines[-1], flush=True)
    (Path(config.results or HERE) / "streaming.md").write_text("\n".join(lines) + "\n")


def simulated(count: int, config: DictConfig) -> Path:
    """-> the STAR file of a simulated data set of this length."""
    directory = SCRATCH / f"particles_{count}"
    size = [f"box_size={config.box_size}", f"pixel_size_angstrom={config.pixel_size_angstrom}", f"count={count}"]
    run(config.threads, "cryosense", "simulate", *size, f"output_dir={directory}")
    return directory / "particles.star"


def reconstructed(star: Path, reconstructor: str, config: DictConfig) -> Usage:
    """-> what the command took on a stack, start of the program included."""
    output = SCRATCH / "runs"
    shutil.rmtree(output, ignore_errors=True)
    chosen = [f"reconstructor={reconstructor}", *config.overrides[reconstructor], *config.overrides.all]
    source = ["data=stack", f"data.path={star}", f"output_dir={output}"]
    return run(config.threads, "cryosense", "reconstruct", *source, *chosen)


if __name__ == "__main__":
    main()
