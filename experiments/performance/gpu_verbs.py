"""The commands with device=cuda and with device=cpu in one thread: seconds, and how far their results are apart."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import mrcfile
import numpy as np
import pandas as pd
import torch
from omegaconf import DictConfig

MASKS = ["operator=fourier", "operator/masks=uniform", "operator.per_particle=true"]
LEAN = ["scores.lpips=null", "fitting.held_back=4", "draw_example=false"]


def lines(config: DictConfig, device: torch.device, clock: Any) -> list[str]:
    """-> a line for each command."""
    asked, folder = config.verbs, Path(config.output_dir).absolute()
    size = [f"box_size={asked.box_size}", f"pixel_size_angstrom={asked.pixel_size_angstrom}", "snr=0.2"]
    for name, count in (("many", asked.count), ("few", asked.few)):
        if not (folder / name / "particles.star").exists():
            _run("simulate", f"output_dir={folder}/{name}", f"count={count}", *size)
    many, few = (f"data.path={folder}/{name}/particles.star" for name in ("many", "few"))
    reference = f"reference={folder}/many/volume.mrc"
    verbs = {
        "reconstruct pinv": (["reconstruct", many, *MASKS, "reconstructor=pinv", *LEAN], "particles.mrcs"),
        "reconstruct tv": (["reconstruct", few, *MASKS, "reconstructor=tv", *LEAN], "particles.mrcs"),
        "reconstruct posterior": (["reconstruct", few, *MASKS, "reconstructor=posterior", *LEAN], "particles.mrcs"),
        "backproject": (["backproject", many], "map.mrc"),
        "measure": (["measure", many, *MASKS], "out.cryo.h5"),
        "align": (["align", few, reference, *MASKS, "reference_resolution_angstrom=16"], "poses.parquet"),
        "validate": (["validate", many, reference, *MASKS, "reconstructor=pinv"], "curves.csv"),
    }
    made = ["| command | particles | s on the device | s on one CPU core | results apart |", "|---|---|---|---|---|"]
    for name, (words, file) in verbs.items():
        try:
            took, outputs = {}, {}
            for place in (device.type, "cpu"):
                into = folder / name.replace(" ", "_") / place
                where = f"output={into}/out.cryo.h5" if name == "measure" else f"output_dir={into}"
                into.mkdir(parents=True, exist_ok=True)
                took[place] = _run(*words, where, f"device={place}")
                outputs[place] = next(into.rglob(file))
            clock.taken[name] = list(took.values())
            count = asked.few if few in words else asked.count
            apart, there, here = _apart(outputs[device.type], outputs["cpu"]), took[device.type], took["cpu"]
            made.append(f"| {name} | {count} | {there:.1f} | {here:.1f} | {apart} |")
        except Exception as error:  # noqa: BLE001
            made.append(f"| {name} | | failed: {str(error)[-300:]} | | |".replace("\n", " "))
        print(made[-1], flush=True)
    return made


def _run(*words: str) -> float:
    start = time.perf_counter()
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "cryosense", *words], env=environment, capture_output=True, text=True, timeout=150
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-600:])
    return time.perf_counter() - start


def _apart(one: Path, other: Path) -> str:
    if one == other:
        return "the same file"
    if one.suffix == ".h5":
        same = one.read_bytes() == other.read_bytes()
        return f"bytes {'the same' if same else 'differ'}, {one.stat().st_size} and {other.stat().st_size} of them"
    if one.suffix in {".mrc", ".mrcs"}:
        a, b = mrcfile.read(one), mrcfile.read(other)
        return f"{np.abs(a - b).max() / np.abs(b).max():.1e} of the largest"
    a, b = (pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path) for path in (one, other))
    numbers = a.select_dtypes("number").columns
    apart = (a[numbers] - b[numbers]).abs().max()
    return f"{apart.max():.1e} in {apart.idxmax()}, median of columns {apart.median():.1e}"
