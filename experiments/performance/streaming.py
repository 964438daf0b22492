"""Memory and time of ``cryosense reconstruct`` on stacks of two lengths; see README.md. Writes streaming.md beside this file.

The stacks are simulated once into outputs/streaming and kept; the runs are made anew each time.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

HERE = Path(__file__).parent
SCRATCH = Path("outputs") / "streaming"


def main() -> None:
    """Simulate, reconstruct each stack in a process of its own, print what it took."""
    config = OmegaConf.merge(OmegaConf.load(HERE / "streaming.yaml"), OmegaConf.from_cli())
    lines = ["| reconstructor | particles | peak memory, GB | seconds | ms per particle |", "|---|---|---|---|---|"]
    print("\n".join(lines), flush=True)
    for reconstructor in config.reconstructors:
        for count in config.counts:
            peak, seconds = reconstructed(simulated(count, config), reconstructor, config)
            lines.append(f"| {reconstructor} | {count} | {peak:.2f} | {seconds:.1f} | {seconds / count * 1e3:.2f} |")
            print(lines[-1], flush=True)
    (HERE / "streaming.md").write_text("\n".join(lines) + "\n")


def simulated(count: int, config: DictConfig) -> Path:
    """-> the STAR file of a simulated data set of this length."""
    directory = SCRATCH / f"particles_{count}"
    size = [f"box_size={config.box_size}", f"pixel_size_angstrom={config.pixel_size_angstrom}", f"count={count}"]
    run("simulate", *size, f"output_dir={directory}")
    return directory / "particles.star"


def reconstructed(star: Path, reconstructor: str, config: DictConfig) -> tuple[float, float]:
    """-> peak memory in GB and seconds of the command on a stack, start of the program included."""
    output = SCRATCH / "runs"
    shutil.rmtree(output, ignore_errors=True)
    chosen = [f"reconstructor={reconstructor}", *config.overrides[reconstructor], *config.overrides.all]
    return run("reconstruct", "data=stack", f"data.path={star}", f"output_dir={output}", *chosen)


def run(*arguments: str) -> tuple[float, float]:
    """-> peak memory in GB and seconds of one cryosense command. Its output goes on; its failure is ours."""
    start = time.perf_counter()
    process = subprocess.Popen([Path(sys.executable).with_name("cryosense"), *arguments], stdout=sys.stderr)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, arguments)
    return usage.ru_maxrss * 1024 / 1e9, time.perf_counter() - start  # Linux counts in kilobytes


if __name__ == "__main__":
    main()
