"""The weight of a prior is chosen once: runs that learn the same from the same images find it beside each other."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from cryosense.errors import RunError
from cryosense.files.writing import write_json_atomic
from cryosense.runs.lock import locked_in_turn
from cryosense.tasks.reconstruct.fitting import WeightChoice


class WeightCache:
    """Choices below one folder, by a key that stands for all that they depend on: data, scaling, measurement, method, fitting.

    Shards of one run and runs that differ in what they write share a key. Two processes that choose at the same time choose
    the same.
    """

    def __init__(self, folder: Path, key: str) -> None:
        self.path = folder / f"{key}.json"

    def __repr__(self) -> str:
        return f"WeightCache({self.path})"

    def read(self) -> WeightChoice | None:
        """-> the choice that was made before, if any. Raises ArgumentError naming a file that is not one."""
        if not self.path.is_file():
            return None
        try:
            return WeightChoice(**json.loads(self.path.read_text()))
        except (ValueError, TypeError) as error:
            raise RunError(f"{self.path} is not a choice of weights ({error}): remove it") from error

    def write(self, choice: WeightChoice) -> None:
        """Keep a choice for others."""
        with locked_in_turn(self.path.with_suffix(".lock")):
            write_json_atomic(self.path, asdict(choice))
