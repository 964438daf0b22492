"""Which prior where: per domain and range of compression the best prior by each score, computed from the rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cryosense.errors import ArgumentError
from cryosense.reporting.scores import LOWER_IS_BETTER, TITLES
from cryosense.reporting.tables.formats import method_label
from cryosense.reporting.tables.intervals import grouped_mean_intervals
from cryosense.reporting.tables.paper_tables import ORDER
from cryosense.reporting.tables.published import advised_kinds
from cryosense.reporting.tables.summary import METHOD, OPERATOR, ROUNDING

# Priors that the paper compares; whatever else is in the rows competes for "best of all methods" only.
KINDS = {"dct": "sparse", "wavelet": "sparse", "tv": "sparse", "ddpm": "generative"}
SETTING = ["data", "operator", "symmetric", "noise_sigma", "noise_placement", "quantiser"]


@dataclass(frozen=True)
class Guidance:
    """How advice is computed.

    Attributes:
        edges: nominal compressions at which one range ends, inclusive, and the next begins.
        resamples, level, seed: of the bootstrap over images.

    Raises:
        ArgumentError: edges that do not rise, or none.
    """

    edges: Sequence[float] = (2, 4, 8)
    resamples: int = 1000
    level: float = 0.95
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.edges or list(self.edges) != sorted(set(self.edges)):
            raise ArgumentError(f"edges={list(self.edges)}: give one compression at least, each larger than the last")

    def table(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Return one line per setting, range and score: the best prior, those it ties with, the paper's advice.

        In a range only those operators count on which the most methods were run, and only methods that were run on all of
        these. A score is a mean over operators for each image; two methods tie if the interval of their paired difference over
        images reaches zero. There is no line where no prior was run.
        """
        scores = [score for score in ORDER if rows[score].notna().any()]
        counted = rows[rows["held_back"].ne(True)]
        counted = counted.assign(
            operator_number=counted.groupby(OPERATOR, dropna=False).ngroup(),
            method=counted.groupby(METHOD, dropna=False).ngroup(),
            range=np.searchsorted(list(self.edges), counted["compression_nominal"] * (1 - 1e-9)),
        )
        methods = [line for _, line in counted.drop_duplicates("method").iterrows()]
        labels = {line["method"]: method_label(line) for line in methods}
        kinds = {line["method"]: KINDS[line["prior"]] for line in methods if line["prior"] in KINDS}
        lines = []
        for keys, group in counted.groupby([*SETTING, "range"], dropna=False):
            compared = _compared(group)
            setting: dict[str, Any] = dict(zip([*SETTING, "range"], keys, strict=True))
            advised = set().union(*(advised_kinds(setting["operator"], c) for c in compared["compression_nominal"].unique()))
            setting["range"] = self._words(int(setting["range"]))
            setting["operators"] = compared["operator_number"].nunique()
            for score in scores:
                found = self._judge(compared, score, kinds, labels, advised)
                lines += [setting | found] if found else []
        return pd.DataFrame(lines)

    def _words(self, number: int) -> str:
        if number == 0:
            return f"C ≤ {self.edges[0]:g}"
        if number == len(self.edges):
            return f"C > {self.edges[-1]:g}"
        return f"{self.edges[number - 1]:g} < C ≤ {self.edges[number]:g}"

    def _judge(
        self, compared: pd.DataFrame, score: str, kinds: dict[Any, str], labels: dict[Any, str], advised: set[str]
    ) -> dict[str, Any] | None:
        by_image = compared.groupby(["particle", "method"])[score].mean().unstack("method").dropna(axis=1, how="all").dropna()
        priors = [method for method in by_image if method in kinds]
        if not priors or by_image.empty:
            return None
        best, tied = self._best(by_image[priors], score)
        overall, overall_tied = self._best(by_image, score)
        winners, tested = {kinds[m] for m in (best, *tied)}, {kinds[m] for m in priors}
        return {
            "score": TITLES[score],
            "against": "clean" if score.endswith("_clean") else "noisy",
            "images": len(by_image),
            "best prior": labels[best],
            "ties with": ", ".join(labels[m] for m in tied),
            "mean": float(by_image[best].mean()),
            "best of all methods": ", ".join(labels[m] for m in (overall, *overall_tied)),
            "paper": " or ".join(sorted(advised)),
            "verdict": _verdict(winners, tested, advised),
        }

    def _best(self, by_image: pd.DataFrame, score: str) -> tuple[Any, list[Any]]:
        """Return the best method and those that tie: the interval of their paired difference over images reaches zero."""
        signed = -by_image if score in LOWER_IS_BETTER else by_image
        best = signed.mean().idxmax()
        behind = -signed.sub(signed[best], axis=0)
        means = grouped_mean_intervals([behind.to_numpy(float)], resamples=self.resamples, level=self.level, seed=self.seed)[0]
        reaches = np.isnan(means.low) | (means.low <= ROUNDING)
        return best, [method for method, tie in zip(by_image, reaches, strict=True) if tie and method != best]


def _compared(group: pd.DataFrame) -> pd.DataFrame:
    """Return rows of the operators on which the most methods were run, and of the methods that were run on all of these."""
    methods = group.groupby("operator_number")["method"].nunique()
    most = group[group["operator_number"].isin(methods.index[methods == methods.max()])]
    operators = most.groupby("method")["operator_number"].nunique()
    return most[most["method"].isin(operators.index[operators == operators.max()])]


def _verdict(winners: set[str], tested: set[str], advised: set[str]) -> str:
    if len(tested) == 1:
        return f"only {next(iter(tested))} priors were run"
    if len(advised) != 1:
        return "no single advice"
    if len(winners) > 1:
        return "tie of both kinds"
    return "agrees" if winners == advised else "disagrees"


def guidance_words(table: pd.DataFrame) -> Iterator[dict[str, str]]:
    """Yield what is shown of each line of ``Guidance.table``, all in words."""
    for _, line in table.iterrows():
        symmetry = "" if pd.isna(line["symmetric"]) else ", symmetric" if line["symmetric"] else ", not symmetric"
        noise = f", noise {line['noise_sigma']:.3g}" if pd.notna(line["noise_sigma"]) and line["noise_sigma"] > 0 else ""
        yield {
            "data": str(line["data"]),
            "domain": f"{line['operator']}{symmetry}{noise}",
            "range": line["range"],
            "score": line["score"],
            "best prior": f"{line['best prior']} ({line['mean']:.3f})",
            **{name: line[name] for name in ("ties with", "best of all methods")},
            "over": f"{line['operators']} operator{'s' * (line['operators'] != 1)}, {line['images']} images",
            "paper": line["paper"],
            "verdict": line["verdict"],
        }
