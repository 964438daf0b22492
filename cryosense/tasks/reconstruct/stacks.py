"""The image stacks that a run writes beside its rows, portion by portion."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from torch import Tensor

from cryosense.data import ParticleStack, StackWriter


class RunStacks:
    """``<name>.mrcs`` in the run's directory for each kind of image that its method makes; those that are there stay.

    Args:
        count: particles of the run.
        like: the stack that box and pixel size are taken from.
    """

    def __init__(self, directory: Path, count: int, like: ParticleStack) -> None:
        self.directory, self.count, self.like = directory, count, like
        self._writers: dict[str, StackWriter | None] = {}
        self._opened = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._opened.__exit__(kind, error, trace)

    def write(self, start: int, images: Mapping[str, Tensor]) -> None:
        """Particles ``start``, ``start`` + 1, ... of each kind: (b, 1, n, n) in units of the stack."""
        for name, batch in images.items():
            if name not in self._writers:
                self._writers[name] = self._open(name)
            writer = self._writers[name]
            if writer is not None:
                writer.write(start, batch)

    def finish(self) -> None:
        """Complete them. Raises ParticleDataError if an image is missing."""
        for writer in self._writers.values():
            if writer is not None:
                writer.finish()

    def _open(self, name: str) -> StackWriter | None:
        path = self.directory / f"{name}.mrcs"
        if path.exists():
            return None
        writer = StackWriter(path, self.count, self.like.box_size, self.like.pixel_size_angstrom)
        return self._opened.enter_context(writer)
