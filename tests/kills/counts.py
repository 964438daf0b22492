"""What came of trials: a line for each in a file, so that a long count can be made in parts; a table of it."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

KINDS = ("SIGKILL", "SIGTERM", "SIGINT", "renames", "at-once", "disk")
END = "no more"  # said of the number behind a verb's last renaming


class Counts:
    """Outcomes by verb, kind and number of the trial: what was wrong, None where nothing was."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.found: dict[tuple[str, str, int], str | None] = {}
        if path.exists():
            for line in path.read_text().splitlines():
                verb, kind, number, wrong = json.loads(line)
                self.found[verb, kind, number] = wrong

    def add(self, verb: str, kind: str, number: int, wrong: str | None) -> None:
        """Note an outcome, on disk too."""
        self.found[verb, kind, number] = wrong
        with self.path.open("a") as file:
            file.write(json.dumps([verb, kind, number, wrong]) + "\n")

    def wrong(self, verb: str, kind: str) -> list[str | None]:
        """-> outcomes of all trials of a kind."""
        found = ((key, wrong) for key, wrong in sorted(self.found.items()) if key[:2] == (verb, kind))
        return [wrong for _, wrong in found if wrong != END]

    def is_over(self, verb: str, kind: str) -> bool:
        """-> whether a verb has no more renamings to die at."""
        return any(wrong == END for key, wrong in self.found.items() if key[:2] == (verb, kind))

    def table(self) -> str:
        """-> trials and how many went wrong, as Markdown: a line for each verb, a column for each kind."""
        tried: dict[tuple[str, str], str] = defaultdict(lambda: "-")
        for verb, kind, _ in self.found:
            outcomes = self.wrong(verb, kind)
            tried[verb, kind] = f"{len(outcomes)} / {sum(each is not None for each in outcomes)}"
        lines = [f"| verb | {' | '.join(KINDS)} |", "|---" * (1 + len(KINDS)) + "|"]
        verbs = dict.fromkeys(verb for verb, _, _ in self.found)
        return "\n".join([*lines, *(f"| {verb} | {' | '.join(tried[verb, kind] for kind in KINDS)} |" for verb in verbs)])
