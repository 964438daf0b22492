"""Operators to train on, drawn by processes of their own while the device trains, as files that it picks up."""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf

from cryosense import seeding
from cryosense.operators import LinearOperator

CONF = Path(__file__).parents[2] / "conf"
SUFFIX = ".operator"


def mixture(compression: Sequence[float]) -> Any:
    """Return the measurements that ``model=unrolled_any`` draws from, compressions from a range."""
    model = OmegaConf.load(CONF / "model" / "unrolled_any.yaml")
    operators = OmegaConf.create({"compression": list(compression), "operators": model.model.operators})
    return instantiate(operators).operators


def draw(number: int, folder: Path, seed: int, compression: Sequence[float], boxes: dict[int, int]) -> None:
    """Write operator ``number``: its box, and for how many images, are those whose turn it is."""
    torch.set_num_threads(1)
    sizes = list(boxes)
    box = sizes[number % len(sizes)]
    drawn = mixture(compression).draw(seeding.generator(seed, number))
    operator = drawn.operator(box, boxes[box])
    path = folder / f"{box}-{number}"
    torch.save(operator, path)
    path.replace(path.with_suffix(SUFFIX))


def begin(folder: Path, count: int, processes: int, seed: int, compression: Sequence[float], boxes: dict[int, int]) -> Any:
    """Start to draw ``count`` operators; return the pool that does."""
    folder.mkdir(parents=True, exist_ok=True)
    pool = multiprocessing.get_context("spawn").Pool(processes)
    work = partial(draw, folder=folder, seed=seed, compression=compression, boxes=boxes)
    result = pool.map_async(work, range(count), chunksize=1)
    return pool, result


class Bank:
    """The operators that are there, on a device, by box."""

    def __init__(self, folder: Path, device: torch.device) -> None:
        self.folder, self.device, self.seen = folder, device, set[Path]()
        self.of_box: dict[int, list[LinearOperator]] = {}

    def refresh(self, most: int = 10**9) -> int:
        """Take up at most so many new files; return how many operators there are."""
        for path in sorted(self.folder.glob(f"*{SUFFIX}"))[: len(self.seen) + most]:
            if path not in self.seen:
                self.seen.add(path)
                # Written by this program a moment ago.
                operator = torch.load(path, map_location=self.device, weights_only=False)
                self.of_box.setdefault(operator.box_size, []).append(operator)
        return len(self.seen)
