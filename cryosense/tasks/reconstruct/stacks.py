"""The image stacks that a run writes beside its rows, portion by portion."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import torch
from torch import Tensor

from cryosense.data import ParticleStack, StackWriter
from cryosense.shown import ShowsParameters


class RunStacks(ShowsParameters):
    """``<name>.mrcs`` in the run's directory for each kind of image that its method makes; those that are whole stay.

    Args:
        directory: the run's directory.
        names: names of all kinds.
        count: particles of the run.
        like: the stack whose box and pixel size are used.
    """

    def __init__(self, directory: Path, names: Iterable[str], count: int, like: ParticleStack) -> None:
        self.count = count
        self._opened = ExitStack()
        self._writers: dict[str, StackWriter] = {}
        with self._opened:
            for name in names:
                path = directory / f"{name}.mrcs"
                if not path.exists():
                    writer = StackWriter(path, count, like.box_size, like.pixel_size_angstrom)
                    self._writers[name] = self._opened.enter_context(writer)
            self._opened = self._opened.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._opened.__exit__(kind, error, trace)

    def completed_until(self) -> int:
        """Return the number of leading particles that all of them hold."""
        held = [self.count, *(_leading(writer.written) for writer in self._writers.values())]
        return min(held)

    def write(self, start: int, images: Mapping[str, Tensor]) -> None:
        """Write particles ``start``, ``start`` + 1, ... of each kind: (b, 1, n, n) in units of the stack."""
        for name, writer in self._writers.items():
            writer.write(start, images[name])

    def finish(self) -> None:
        """Complete the stacks. Raises ParticleDataError if an image is missing."""
        for writer in self._writers.values():
            writer.finish()


def _leading(written: Tensor) -> int:
    return int(torch.cumprod(written.int(), 0).sum())
