"""The weight of a prior is chosen once: runs that learn the same from the same images share the choice."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from cryosense.errors import RunError
from cryosense.files.writing import write_json_atomic
from cryosense.runs.lock import locked_in_turn
from cryosense.tasks.reconstruct.fitting import WeightChoice


class WeightCache:
    """Choices in one folder, by a key that stands for all they depend on: data, scaling, measurement, method, fitting.

    Shards of one run and runs that differ only in what they write share a key. Two processes that choose at the same time
    choose the same.
    """

    def __init__(self, folder: Path, key: str) -> None:
        self.path = folder / f"{key}.json"

    def __repr__(self) -> str:
        return f"WeightCache({self.path})"

    def read(self) -> WeightChoice | None:
        """Return the choice that was made before, if any. Raises RunError, naming the file, for one that is not a choice."""
        if not self.path.is_file():
            return None
        try:
            return WeightChoice(**json.loads(self.path.read_text()))
        except (ValueError, TypeError) as error:
            raise RunError(f"{self.path} is not a choice of weights ({error}): remove it") from error

    def write(self, choice: WeightChoice) -> None:
        """Store a choice for others."""
        with locked_in_turn(self.path.with_suffix(".lock")):
            write_json_atomic(self.path, asdict(choice))
