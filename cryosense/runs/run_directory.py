"""The life of a run's directory, for every verb: what it belongs to, who works in it, what it lacks, when it is done."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from cryosense.errors import BusyError, RunDirectoryError
from cryosense.runs import inputs as input_files
from cryosense.runs.failures import ERROR, clear_failure
from cryosense.runs.identity import CODE, CONFIG, DATA, Identity
from cryosense.runs.inputs import Stamps
from cryosense.runs.lock import EXPIRES_HOURS, LOCK, locked, locked_in_turn
from cryosense.runs.own_code import own_code
from cryosense.runs.provenance import FILE as PROVENANCE
from cryosense.runs.provenance import begin_session, end_session
from cryosense.runs.record import DONE, SHARDS, Kind, broken_files, matching, read_record, remove, write_record
from cryosense.runs.signals import ending_in_order

OF_ALL = (CONFIG, CODE, DATA, PROVENANCE, ERROR, DONE)  # as they are written
UNFINISHED = (".*.unfinished", "*/.*.unfinished")
LOOKS = ".data"  # what the survey of images found: safe to make again
LOG = logging.getLogger(__name__)


@dataclass
class RunDirectory:
    """A run's directory, held by this process unless the run is done. Made by ``open``.

    Attributes:
        done: whether the run is complete, with nothing left to do.
        summary: what ``done.json`` says of it.
    """

    path: Path
    identity: Identity
    kind: Kind
    inputs: Stamps
    rerun: str | None
    done: bool = False
    summary: dict[str, Any] = field(default_factory=dict)

    @classmethod
    @contextmanager
    def open(
        cls,
        path: Path,
        identity: str,
        fingerprint: str,
        kind: Kind,
        *,
        inputs: Stamps | None = None,
        rerun: str | None = None,
        expires_hours: float = EXPIRES_HOURS,
        wait: bool = False,
    ) -> Iterator[Self]:
        """Hold a run's directory while the block runs, or find that the run is done.

        Writes ``config.yaml`` (``identity``), ``data.txt`` (``fingerprint``), ``code.txt`` and ``provenance.json`` first;
        ``finish`` records in ``done.json`` that the run is complete. A complete run of which a file is missing, or has another
        size than its record says, is resumed. A block that ends with an error before it has written anything leaves nothing
        behind.

        Args:
            inputs: stamps of the files that are read, taken before they were; see ``finish``.
            rerun: for a run that other code made: ``changed`` makes it again, ``never`` keeps it; None refuses it.
            expires_hours: see ``locked``.
            wait: if another process holds the directory, wait until it is done with it.

        Raises:
            RunDirectoryError: the directory belongs to another configuration, to other data, or to other code.
            BusyError: another process works in it, and the run is not complete.
        """
        run = cls(Path(path), Identity(identity, fingerprint, kind.code + own_code(identity)), kind, inputs or {}, rerun)
        with ExitStack() as held:
            if not run._complete():
                held.enter_context(ending_in_order())
                try:
                    held.enter_context((locked_in_turn if wait else locked)(run.path / LOCK, expires_hours))
                except BusyError:
                    if not run._complete():
                        raise
            if not run._complete():
                run._begin()
            else:
                run._tidy()
            try:
                yield run
            except Exception:
                run._forget_if_empty()
                raise
            if not run.done:
                end_session(run.path)

    @classmethod
    def is_done(cls, path: Path, identity: str, fingerprint: str, kind: Kind, rerun: str | None = None) -> bool:
        """Return whether the run in a directory is complete, without entering it. Raises as ``open`` does."""
        return cls(Path(path), Identity(identity, fingerprint, kind.code + own_code(identity)), kind, {}, rerun)._complete()

    def finish(self, summary: Mapping[str, object]) -> None:
        """Record that the run is complete, and remove what only the work needed.

        Raises:
            RunDirectoryError: an input was replaced while the run went on; what was made from it is removed.
            UnfinishedRunError: a result is missing.
        """
        replaced = input_files.changed(self.inputs)
        if replaced:
            self._start_over()
            raise RunDirectoryError(
                f"{replaced[0]} was changed while {self.path} was made from it: what was made is removed; run again"
            )
        end_session(self.path)
        write_record(self.path, self.kind, summary)
        remove(self.path, (*self.kind.scratch, SHARDS))
        self.done, self.summary = True, dict(summary)

    def _complete(self) -> bool:
        """Return whether nothing is left to do. Raises RunDirectoryError for a path that leads through a file."""
        if self.done:
            return True
        there = next(each for each in (self.path, *self.path.parents) if each.exists())
        if not there.is_dir():
            raise RunDirectoryError(f"{there} is not a folder: choose another output_dir")
        if not self.identity.owns(self.path):
            return False
        record = read_record(self.path)
        if record is None or broken_files(self.path, record) or self.identity.is_outdated(self.path, self.rerun):
            return False
        self.done, self.summary = True, record
        return True

    def _begin(self) -> None:
        """Take over what an earlier attempt left, as far as it is of use. The directory is held."""
        kind = self.kind
        in_the_way = [] if (self.path / CONFIG).is_file() else matching(self.path, (*kind.results, *kind.optional))
        if in_the_way:
            names = ", ".join(sorted(path.name for path in in_the_way)[:3])
            raise RunDirectoryError(f"{self.path} holds {names} but no {CONFIG}: choose another output_dir")
        if self.identity.is_outdated(self.path, self.rerun):
            self._start_over()
        record = read_record(self.path)
        if record is not None:
            broken = broken_files(self.path, record)
            LOG.warning("%s: %s not there, or not as it was made: made again", self.path, ", ".join(broken[:3]))
            (self.path / DONE).unlink(missing_ok=True)
            remove(self.path, [name for name in broken if name != DONE])
        remove(self.path, UNFINISHED)
        if not self.identity.is_begun(self.path):
            self.identity.write(self.path)
        clear_failure(self.path)
        begin_session(self.path)

    def _tidy(self) -> None:
        """Remove what a process that was killed once it was done has left; what another holds is left to it."""
        clear_failure(self.path)
        if matching(self.path, (*self.kind.scratch, SHARDS, LOCK, f".{LOCK}.*")):
            with suppress(BusyError), locked(self.path / LOCK):
                remove(self.path, (*self.kind.scratch, SHARDS))

    def _start_over(self) -> None:
        """Remove all that runs of this kind write, and nothing else: shards have their own directories."""
        kind = self.kind
        for patterns in ((DONE,), kind.results, kind.optional, kind.scratch, kind.beside, kind.pictures, reversed(OF_ALL)):
            remove(self.path, patterns)

    def _forget_if_empty(self) -> None:
        """Remove what says whose the directory is if there is nothing else in it."""
        if self.path.is_dir() and {each.name for each in self.path.iterdir()} <= {*OF_ALL, LOCK, LOOKS}:
            remove(self.path, {*OF_ALL, LOOKS} - {ERROR})
