"""A GPU against one CPU core of its machine, other programs and the bare operations; see README.md.

Prints as it goes, and writes gpu.md and gpu.json into the folder of ``results``. A part that fails says so; the others go on.
"""

from __future__ import annotations

import json
import statistics
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import gpu_insertion
import gpu_solvers
import gpu_verbs
import torch
from omegaconf import DictConfig, OmegaConf

HERE = Path(__file__).parent
PARTS = {
    "insertion": gpu_insertion.lines,
    "posterior": gpu_solvers.posterior_lines,
    "tv": gpu_solvers.tv_lines,
    "verbs": gpu_verbs.lines,
}


class Clock:
    """Medians of repeats on a device, with a first run that is not counted; all of them are kept."""

    def __init__(self, device: torch.device, repeats: int) -> None:
        self.device, self.repeats, self.taken = device, repeats, {}

    def median(self, name: str, work: Callable[[], object], device: str | None = None) -> float:
        """-> seconds, after all work on the device is done; ``device``: where, if elsewhere."""
        on_cpu = device == "cpu"
        times = []
        for _ in range(1 + (1 if on_cpu else self.repeats)):
            self._wait()
            start = time.perf_counter()
            work()
            self._wait()
            times.append(time.perf_counter() - start)
        self.taken[name] = times
        return statistics.median(times[1:])

    def _wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize()


def shrunk(config: DictConfig) -> DictConfig:
    """-> the same with a tenth of everything."""
    config.repeats = 2
    config.insertion.update({"slices": config.insertion.slices // 8, "on_cpu": 8})
    config.posterior.update({"images": 64, "on_cpu": 1, "evaluations": 20})
    config.tv.update({"images": 64, "on_cpu": 1})
    config.verbs.update({"count": 100, "few": 8})
    return config


def main() -> None:
    """Measure part by part, and write after each."""
    config = OmegaConf.merge(OmegaConf.load(HERE / "gpu.yaml"), OmegaConf.from_cli())
    if config.small:
        config = shrunk(config)
    torch.set_num_threads(1)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    card = torch.cuda.get_device_name() if device.type == "cuda" else "no GPU: all of it on the CPU, to try the script"
    text, clock = (
        [f"{card}, torch {torch.__version__}; one CPU thread; medians of {config.repeats}"],
        Clock(device, config.repeats),
    )
    into = Path(config.results or HERE)
    into.mkdir(parents=True, exist_ok=True)
    for part in config.parts:
        began = time.perf_counter()
        try:
            text += ["", *PARTS[part](config, device, clock)]
        except Exception:  # noqa: BLE001
            text += ["", f"{part}: failed", "```", traceback.format_exc()[-1500:], "```"]
        print(f"{part}: {time.perf_counter() - began:.0f} s", flush=True)
        (into / "gpu.md").write_text("\n".join(text) + "\n")
        (into / "gpu.json").write_text(json.dumps({"card": card, "seconds": clock.taken}))
    print("\n".join(text), flush=True)


if __name__ == "__main__":
    main()
