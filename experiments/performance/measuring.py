"""How fast particles become a file of bytes and are read back, on one core, beside `cp` and `gzip -1` of the same stack.

python experiments/performance/measuring.py [count=2000 box_size=128 repeats=3]

Seconds are of the processor, user and system, so that a busy machine hardly changes them; the best of some. What is timed is
the work on particles, with a first pass for mean and deviation of the stack, without the start of the program.
Writes measuring.md beside this file.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from omegaconf import OmegaConf

from cryosense.data import ParticleSource, StackStatistics
from cryosense.measurement import Full, NoNoise
from cryosense.measurement.file import MeasurementFile
from cryosense.measurement.quantisers import Float16, Float32, LloydMax, Sign, StoredQuantiser, Uniform
from cryosense.runs.identity import Identity
from cryosense.runs.shards import Sharding
from cryosense.tasks.measure.measuring import Measuring

HERE, SCRATCH = Path(__file__).parent, Path("outputs/measuring")
CHUNK = 64
QUANTISERS = {
    "sign": Sign,
    "sign of shells up to 50": lambda: Sign(last_shell=50),
    "float16": Float16,
    "float16, entropy coded": lambda: Float16(coded=True),
    "float32": Float32,
    "float32, entropy coded": lambda: Float32(coded=True),
    "uniform, step 0.8, entropy coded": Uniform,
    "4 levels, packed": lambda: LloydMax(4, coded=False),
    "4 levels, entropy coded": LloydMax,
}


def main() -> None:
    config = OmegaConf.merge({"count": 2000, "box_size": 128, "repeats": 3, "results": None}, OmegaConf.from_cli())
    torch.set_num_threads(1)
    star = simulated(config.count, config.box_size)
    stack = star.with_suffix(".mrcs")
    megabytes = stack.stat().st_size / 1e6
    commands = {"cp": ["cp", stack, SCRATCH / "copy"], "gzip -1": ["gzip", "-1", "-k", "-f", "-S", ".gz", SCRATCH / "copy"]}
    spent = {name: min(child_seconds(words) for _ in range(config.repeats)) for name, words in commands.items()}
    lines = [
        "| | MB/s measured | MB/s read | times the speed of cp | of gzip -1 | bits a pixel |",
        "|---|---|---|---|---|---|",
    ]
    zipped = 8 * (SCRATCH / "copy.gz").stat().st_size / config.count / config.box_size**2
    for name, bits in (("cp", 32.0), ("gzip -1", zipped)):
        lines.append(shown(name, megabytes, spent[name], None, spent, bits))
    for name, make in QUANTISERS.items():
        path = SCRATCH / "a.cryo.h5"
        wrote = min(seconds(lambda make=make, path=path: measure(star, path, make())) for _ in range(config.repeats))
        file = MeasurementFile.open(path)
        back = min(seconds(lambda path=path: read(path)) for _ in range(config.repeats))
        bits = 8 * float(file.level_bytes.double().mean()) / config.box_size**2
        lines.append(shown(name, megabytes, wrote, back, spent, bits))
    text = f"{config.count} particles of {config.box_size} px, {megabytes:.0f} MB of float32; one core.\n\n" + "\n".join(lines)
    (Path(config.results or HERE) / "measuring.md").write_text(text + "\n")
    print(text)


def shown(name: str, megabytes: float, wrote: float, back: float | None, spent: dict[str, float], bits: float) -> str:
    speed = "" if back is None else f"{megabytes / back:.0f}"
    ratios = f"{spent['cp'] / wrote:.2f} | {spent['gzip -1'] / wrote:.1f}"
    return f"| {name} | {megabytes / wrote:.0f} | {speed} | {ratios} | {bits:.2f} |"


def simulated(count: int, box_size: int) -> Path:
    """-> the STAR file of a simulated stack."""
    folder = SCRATCH / f"particles_{count}_{box_size}"
    words = [f"output_dir={folder}", f"count={count}", f"box_size={box_size}", f"pixel_size_angstrom={224 / box_size}"]
    subprocess.run([sys.executable, "-m", "cryosense", "simulate", *words], check=True, stdout=subprocess.DEVNULL)
    return folder / "particles.star"


def measure(star: Path, path: Path, quantiser: StoredQuantiser) -> None:
    """Open the stack, look at it, measure it to a file."""
    path.unlink(missing_ok=True)
    shutil.rmtree(f"{path}.parts", ignore_errors=True)
    source = ParticleSource.open(star, None, None, None, None, None)
    run = Measuring(
        source=source,
        particles=torch.arange(len(source.images)),
        scaling=StackStatistics(4.0).fit(source.images, CHUNK),
        design=Full(),
        noise=NoNoise(),
        quantiser=quantiser,
        provenance={},
        files={},
        part_particles=1024,
        sharding=Sharding(),
        chunk_size=CHUNK,
    )
    run.run(path, Identity("", source.data_fingerprint, ""), None, lambda done: None)


def read(path: Path) -> None:
    """Decode all of a file."""
    file = MeasurementFile.open(path)
    for rows in torch.arange(len(file)).split(CHUNK):
        file.measurement(rows)


def seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def child_seconds(words: list[str | Path]) -> float:
    process = subprocess.Popen(words)
    _, _, usage = os.wait4(process.pid, 0)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
