"""Settings by which runs differ and that their rows do not hold, put into the names by which lines are told apart."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cryosense.errors import UntrustedFileError
from cryosense.files.limits import read_text, read_yaml, shown
from cryosense.reporting.scores import NAMES
from cryosense.reporting.tables.summary import BASELINE, METHOD, OPERATOR, ROUNDING

# Nodes of a configuration, by the column that their settings are put into. All others change no number of a row, or are in
# effect only through one of these.
NODES = {
    "data": ("geometry", "scaling"),
    "masks": ("operator", "design"),
    "quantiser": ("noise", "quantiser"),
    "reconstructor": ("reconstructor", "fitting", "ctf"),
}
METHOD_ITSELF = [name for name in METHOD if name != "weight"]
IN_ROWS = ("reconstructor", "weight")  # node and key
BUDGET = "budget_of"  # of a design or a quantiser: the operator whose budget it spends
SEEDS = re.compile(r"^ *seed: .*$", re.MULTILINE)
LONGEST = 100  # characters of what is put into a name; what is longer is told apart by a digest
Settings = dict[str, Any]  # by full key


def told_apart(rows: pd.DataFrame, runs: Sequence[Path]) -> pd.DataFrame:
    """Return the rows with runs of one line that were made with different settings named apart, as ``landweber steps=30``.

    Their line would else be the mean of them all. Runs that differ by seeds, by a weight or by what changes no number stay one
    line, and so does a method whose scores its settings did not change.

    Args:
        rows: of all runs, in the order of these.
        runs: their directories.
    """
    of_runs = rows.drop_duplicates("run_id")
    configurations = Configurations(dict(zip(of_runs["run_id"], runs, strict=True)))
    for column in NODES:
        words = _words(of_runs, rows, column, configurations)
        if words:
            rows, of_runs = (_named(table, column, words) for table in (rows, of_runs))
    return rows


@dataclass
class Configurations:
    """The configurations of runs, read where they are asked for."""

    directories: Mapping[str, Path]
    _read: dict[str, Settings] = field(default_factory=dict)

    def differ(self, runs: Iterable[str]) -> bool:
        """Return whether any two say something else but of seeds."""
        return len({self._text(run) for run in runs}) > 1

    def settings(self, run: str, column: str) -> Settings:
        """Return what a run's says of what is put into a column, by full keys; nothing where it cannot be read."""
        if run not in self._read:
            try:
                self._read[run] = dict(_leaves(read_yaml(self.directories[run] / "config.yaml")))
            except UntrustedFileError:
                self._read[run] = {}
        known = self._read[run]
        nodes = _nodes(column, known)
        found = {key: value for key, value in known.items() if key.partition(".")[0] in nodes and BUDGET not in key.split(".")}
        return {key: value for key, value in found.items() if tuple(key.split(".")) != IN_ROWS and not key.endswith(".seed")}

    def _text(self, run: str) -> str:
        try:
            return SEEDS.sub("", read_text(self.directories[run] / "config.yaml"))
        except UntrustedFileError:
            return ""


def _nodes(column: str, known: Settings) -> set[str]:
    """Return the nodes whose settings are put into a column, for a run with these settings.

    What spends the budget of an operator stands beside the methods on that operator: its design and its quantiser are the
    method's.
    """
    rivals = {key.partition(".")[0] for key in known if BUDGET in key.split(".")}
    nodes = set(NODES[column]) - rivals
    if "design" not in rivals and any(key.startswith("design.") for key in known):
        nodes -= {"operator"}  # the design is in its place
    return nodes | rivals if column == "reconstructor" else nodes


def _leaves(node: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    if not isinstance(node, Mapping) or not node:
        yield key, node
        return
    for name, value in node.items():
        yield from _leaves(value, f"{key}.{name}".lstrip("."))


def _words(of_runs: pd.DataFrame, rows: pd.DataFrame, column: str, configurations: Configurations) -> dict[str, str]:
    """Return what is put into the column, by run; keys in which a method's runs differ on one operator are named on all."""
    of_methods = column == "reconstructor"
    own = METHOD_ITSELF if of_methods else OPERATOR
    keys: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for _, line in of_runs.groupby(list(dict.fromkeys([*OPERATOR, *own])), dropna=False):
        if of_methods and line["reconstructor"].iloc[0] == BASELINE:
            continue
        if len(line) > 1 and configurations.differ(line["run_id"]):
            kinds = _kinds({run: configurations.settings(run, column) for run in line["run_id"]})
            keys[_names(line.iloc[0], own)] |= _differing(_with_own_scores(kinds, rows) if of_methods else kinds)
    wanted = {run["run_id"]: keys[_names(run, own)] for _, run in of_runs.iterrows()} if any(keys.values()) else {}
    said = {run: _in_words(configurations.settings(run, column), named) for run, named in wanted.items() if named}
    return {run: words for run, words in said.items() if words}


def _names(line: pd.Series, columns: list[str]) -> tuple[str, ...]:
    return tuple(str(line[name]) for name in columns)


Kinds = list[tuple[Settings, list[str]]]  # settings, and the runs that have them


def _kinds(settings: Mapping[str, Settings]) -> Kinds:
    kinds: Kinds = []
    for run, own in settings.items():
        if not own:  # nothing is known of it
            continue
        same = next((runs for known, runs in kinds if known == own), None)
        if same is None:
            kinds.append((own, [run]))
        else:
            same.append(run)
    return kinds


def _with_own_scores(kinds: Kinds, rows: pd.DataFrame) -> Kinds:
    """Return the kinds without those that have, on the same images and seeds, the scores of one before."""
    kept: list[tuple[Settings, list[str], pd.DataFrame]] = []
    for settings, runs in kinds:
        scores = rows[rows["run_id"].isin(runs)].groupby(["seed", "particle"])[NAMES].mean()
        if not any(_same(scores, other) for _, _, other in kept):
            kept.append((settings, runs, scores))
    return [(settings, runs) for settings, runs, _ in kept]


def _same(scores: pd.DataFrame, others: pd.DataFrame) -> bool:
    both = scores.index.intersection(others.index)
    ours, theirs = (table.loc[both].to_numpy(float) for table in (scores, others))
    return len(both) > 0 and np.allclose(ours, theirs, rtol=1e-6, atol=ROUNDING, equal_nan=True)


def _differing(kinds: Kinds) -> set[str]:
    settings = [own for own, _ in kinds]
    return {key for key in set().union(*settings) if _differs(key, settings)}


def _differs(key: str, settings: Sequence[Settings]) -> bool:
    """Return whether a key is not the same in all that hold its node: what has none has nothing to say of it."""
    node = key.partition(".")[0]
    values = [each.get(key, ...) for each in settings if any(other.partition(".")[0] == node for other in each)]
    return any(value != values[0] for value in values)


def _in_words(settings: Settings, keys: set[str]) -> str:
    """Return ``key=value`` of those keys that there are, without the node where its column tells that."""
    words = ", ".join(_word(key, value) for key, value in settings.items() if key in keys)
    return words if len(words) <= LONGEST else f"{words[:LONGEST]}… ({hashlib.sha256(words.encode()).hexdigest()[:6]})"


def _word(key: str, value: Any) -> str:
    node, _, rest = key.partition(".")
    if key.endswith("._target_"):
        key, value = key.removesuffix("._target_"), str(value).rpartition(".")[2]
    elif node in {"operator", "reconstructor", "quantiser"}:
        key = rest
    return shown(f"{key}={value:g}" if isinstance(value, float) else f"{key}={value}")


def _named(table: pd.DataFrame, column: str, words: Mapping[str, str]) -> pd.DataFrame:
    """Return rows with words behind the names in a column; an operator without masks is named itself."""
    said = table["run_id"].map(words)
    if column == "masks":
        alone = table["masks"].isna()
        return table.assign(
            masks=_behind(table["masks"], said.mask(alone)), operator=_behind(table["operator"], said.where(alone))
        )
    return table.assign(**{column: _behind(table[column], said)})


def _behind(names: pd.Series, words: pd.Series) -> pd.Series:
    return names.where(words.isna(), (names.fillna("") + " " + words).str.strip())
