"""What a failed run leaves behind."""

import json
from datetime import datetime
from pathlib import Path

from cryosense.runs.failures import clear_failure, write_failure


def test_the_error_and_the_configuration_are_kept_and_the_error_is_taken_back(tmp_path: Path) -> None:
    directory = tmp_path / "run"
    try:
        raise ZeroDivisionError("of zero")
    except ZeroDivisionError as error:
        write_failure(directory, "seed: 0\n", "in one line", error)
        write_failure(directory, "seed: 1\n", "again", error)
    content = json.loads((directory / "error.json").read_text())
    assert (content["error"], content["type"]) == ("again", "ZeroDivisionError")
    assert "ZeroDivisionError: of zero" in content["traceback"]
    assert datetime.fromisoformat(content["time"]).tzinfo is not None
    assert (directory / "config.yaml").read_text() == "seed: 0\n"
    clear_failure(directory)
    clear_failure(directory)
    assert [path.name for path in directory.iterdir()] == ["config.yaml"]
