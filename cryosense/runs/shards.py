"""A run in shards, each a run in its own directory inside the run's; when the last is done they become the run."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from cryosense.errors import ArgumentError
from cryosense.runs.inputs import Stamps
from cryosense.runs.lock import EXPIRES_HOURS
from cryosense.runs.provenance import gather_sessions
from cryosense.runs.record import Kind, is_whole, shard_directory
from cryosense.runs.run_directory import RunDirectory


@dataclass(frozen=True)
class Opening:
    """What the directories of a run and of its shards have in common when opened; see ``RunDirectory.open``."""

    identity: str
    fingerprint: str
    kind: Kind
    inputs: Stamps = field(default_factory=dict)
    rerun: str | None = None
    expires_hours: float = EXPIRES_HOURS

    def __call__(self, path: Path, suffix: str = "", *, wait: bool = False) -> AbstractContextManager[RunDirectory]:
        """Open the directory; ``suffix`` is what its identity has beyond that of the others."""
        terms = {"inputs": self.inputs, "rerun": self.rerun, "expires_hours": self.expires_hours}
        return RunDirectory.open(path, self.identity + suffix, self.fingerprint, self.kind, wait=wait, **terms)  # type: ignore[arg-type]

    def is_done(self, path: Path) -> bool:
        """Return whether the run in a directory is complete."""
        return RunDirectory.is_done(path, self.identity, self.fingerprint, self.kind, self.rerun)


@dataclass(frozen=True)
class Sharding:
    """Part ``index`` of ``count`` of a run. Raises ArgumentError for a shard that does not exist."""

    index: int = 0
    count: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.index < self.count:
            raise ArgumentError(f"index={self.index} of count={self.count}: shards are counted from 0")

    @property
    def suffix(self) -> str:
        """What the identity of this shard has beyond the run's."""
        return f"shard: {self.index} of {self.count}\n"

    def directories(self, whole: Path) -> list[Path]:
        """Return the directories of all shards, (count,)."""
        return [shard_directory(whole, index, self.count) for index in range(self.count)]

    def make(
        self,
        whole: Path,
        opening: Opening,
        make: Callable[[RunDirectory], None],
        make_part: Callable[[RunDirectory], None],
        merge: Callable[[RunDirectory, list[Path]], None],
        part_kind: Kind | None = None,
    ) -> bool:
        """Make a run, or one shard of it and, if that was the last, the run from them; return whether the run is complete.

        ``make`` is given the directory of an undivided run; ``make_part`` that of this shard; ``merge`` the run's and those of
        all shards. They are only called where there is something to do.
        """
        if self.count == 1:
            with opening(whole) as run:
                if not run.done:
                    make(run)
            return True
        if not opening.is_done(whole):
            of_part = opening if part_kind is None else Opening(**{**vars(opening), "kind": part_kind})
            parts = self.directories(whole)
            with of_part(parts[self.index], self.suffix) as part:
                if not part.done:
                    make_part(part)
            if not (all(map(is_whole, parts)) or opening.is_done(whole)):
                return False
        with opening(whole, wait=True) as run:
            if not run.done:
                gather_sessions(whole, parts)
                merge(run, parts)
        return True


def part_of(count: int, sharding: Sharding) -> range:
    """Return the positions of the particles of a shard, all consecutive.

    Raises ArgumentError if one of the shards is empty.
    """
    if sharding.count > count:
        raise ArgumentError(f"count={sharding.count} for {count} particles: each shard needs at least one")
    return range(count * sharding.index // sharding.count, count * (sharding.index + 1) // sharding.count)
