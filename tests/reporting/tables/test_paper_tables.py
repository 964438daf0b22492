"""The paper's layout: what stands in which column, beside what, and what a method is there."""

import re

import numpy as np
import pandas as pd
import pytest

from cryosense.metrics.row_columns import SCHEMA
from cryosense.reporting.report.curves import families
from cryosense.reporting.tables.formats import markdown_table, text_table
from cryosense.reporting.tables.map_lines import joined
from cryosense.reporting.tables.paper_formats import body_of, header_of, paper_markdown
from cryosense.reporting.tables.paper_latex import paper_latex
from cryosense.reporting.tables.paper_tables import PaperTable, paper_tables, without_fitted_weights
from cryosense.reporting.tables.published import advised_kinds, published_scores
from cryosense.reporting.tables.summary import summarise
from cryosense.runs.rows import as_table
from tests.tasks.runs import PIXEL, RADIAL

SETTINGS = {"resamples": 200, "level": 0.95, "seed": 0}
PAPERS_RADIAL = RADIAL | {"symmetric": False}


def rows_of(method: str, lpips: float, operator: dict = PIXEL, **more: object) -> pd.DataFrame:
    """Rows of eight images whose LPIPS is ``lpips`` on average; the images differ by more than methods do."""
    spread = np.linspace(-0.05, 0.05, 8)
    prior = method if method in {"dct", "tv"} else None
    row = operator | {"run_id": "r", "data": "made_up", "seed": 0, "noise_sigma": 0.0, "reconstructor": method, "prior": prior}
    row |= {"compression_dof": operator["compression_nominal"], "particle": list(range(8)), "lpips": (lpips + spread).tolist()}
    return as_table(row | more, SCHEMA).to_pandas()


def tables_of(*frames: pd.DataFrame, columns: int = 6) -> list[PaperTable]:
    lines = summarise(without_fitted_weights(pd.concat(frames)), **SETTINGS)
    return paper_tables(joined(lines.join(published_scores(lines)), pd.DataFrame()), columns)


def test_a_method_is_one_row_across_compressions_whatever_weight_was_fitted() -> None:
    cells = [PIXEL | {"compression_nominal": c, "block_size": k} for k in (8, 4) for c in (4.0, 2.0)]
    frames = [rows_of("dct", 0.2, cell, weight=0.1 * i) for i, cell in enumerate(cells)]
    frames += [rows_of("pinv", 0.2, cell) for cell in cells[1:]]
    [table] = tables_of(*frames)
    assert header_of(table)[1:-2] == [f"K = {k}, C = {c} ({c}.00 dof)" for k in (4, 8) for c in (2, 4)]
    assert [row.method for row in table.rows] == ["pinv", "dct"]
    assert [cell is not None for cell in table.rows[0].cells] == [True, True, True, False]


def test_an_operator_without_masks_goes_by_its_name() -> None:
    own = PIXEL | {"operator": "binning", "masks": None, "block_size": None, "compression_nominal": 4.0}
    finer = own | {"compression_nominal": 2.0}
    frames = [rows_of(method, 0.2, cell, noise_sigma=0.1) for method in ("pinv", "dct") for cell in (own, finer)]
    lines = summarise(pd.concat(frames), **SETTINGS)
    [table] = tables_of(*frames)
    assert header_of(table)[1:-2] == ["binning, C = 2 (2.00 dof)", "binning, C = 4 (4.00 dof)"]
    assert [name for name, _ in families(lines)] == ["made_up, binning, noise 0.1"]
    written = [paper_markdown([table], 0.95), paper_latex([table], 0.95), text_table(lines, 0.95), markdown_table(lines, 0.95)]
    assert not re.search(r"\b(nan|None)\b", "".join(written))


def test_weights_that_were_compared_on_one_operator_stay_methods_of_their_own() -> None:
    frames = [rows_of("dct", 0.2, weight=0.1), rows_of("dct", 0.3, weight=0.2), rows_of("tv", 0.3, weight=0.2)]
    [table] = tables_of(*frames)
    assert [row.method for row in table.rows] == ["dct w=0.1", "dct w=0.2", "tv"]


def test_a_lower_lpips_is_better() -> None:
    [table] = tables_of(rows_of("pinv", 0.2), rows_of("dct", 0.1), rows_of("tv", 0.3), rows_of("wiener", 0.2))
    verdicts = {row.method: row.cells[0].beats_baseline for row in table.rows if row.cells[0]}
    assert verdicts == {"pinv": "", "wiener": "tie", "dct": "yes", "tv": "no"}
    words = {line.title: line.words[0] for line in body_of(table)[3:6]}
    assert words["minus pinv"] == "-0.100 [-0.100, -0.100] better"
    assert table.rows[2].cells[0].best


@pytest.mark.parametrize(
    ("operator", "sigma", "published"),
    [
        (PIXEL, 0.0, 0.11),
        (PAPERS_RADIAL, 0.0, 0.12),
        (RADIAL, 0.0, np.nan),
        (PIXEL, 0.1, np.nan),
        (PIXEL | {"block_size": 8}, 0.0, np.nan),
        (PIXEL | {"compression_nominal": 16 / 7}, 0.0, np.nan),
    ],
    ids=["pixel", "radial", "symmetric masks", "noise", "another block", "another compression"],
)
def test_the_papers_value_stands_beside_ours_only_in_the_same_cell(operator: dict, sigma: float, published: float) -> None:
    [table] = tables_of(rows_of("pinv", 0.2, operator, noise_sigma=sigma), rows_of("dct", 0.1, operator, noise_sigma=sigma))
    np.testing.assert_equal(table.rows[1].cells[0].published, published)
    assert np.isnan(table.rows[0].cells[0].published)
    assert ("in the paper" in [line.title for line in body_of(table)]) == (published == published)


def test_wide_tables_are_cut_between_blocks_first() -> None:
    frames = [rows_of("pinv", 0.2, PIXEL | {"block_size": k, "compression_nominal": c}) for k in (2, 4) for c in (1, 2, 3)]
    assert [len(table.columns) for table in tables_of(*frames, columns=5)] == [3, 3]
    assert [len(table.columns) for table in tables_of(*frames, columns=2)] == [2, 1, 2, 1]
    with pytest.raises(ValueError, match="columns_per_table=0"):
        tables_of(*frames, columns=0)


def test_families_are_tables_of_their_own_and_other_budgets_are_told() -> None:
    crop = rows_of("fourier_crop", 0.2, compression_dof=2.5)
    tables = tables_of(rows_of("pinv", 0.2), crop, rows_of("pinv", 0.2, RADIAL), rows_of("pinv", 0.2, PAPERS_RADIAL))
    assert [table.title for table in tables] == [
        "lpips: made_up, fourier, masks not symmetric",
        "lpips: made_up, fourier, symmetric masks",
        "lpips: made_up, pixel, random_binary",
    ]
    assert body_of(tables[2])[0].words[0].endswith("(2.50 dof)")


def test_names_cannot_break_out_of_either_format() -> None:
    hostile = "a|b $x$ \\input{x} <b>_%&"
    tables = tables_of(rows_of("pinv", 0.2, data=hostile))
    markdown, latex = paper_markdown(tables, 0.95), paper_latex(tables, 0.95)
    assert "### lpips: a\\|b $x$ \\\\input{x} \\<b\\>_%&, pixel" in markdown
    assert r"a|b \$x\$ \textbackslash{}input\{x\} \textless{}b\textgreater{}\_\%\&, pixel" in latex
    body = [line for line in markdown.splitlines() if line.startswith("|")]
    assert len({line.count(" | ") for line in body}) == 1
    assert latex.count("{") == latex.count("}")


def test_the_papers_advice_by_domain_and_compression() -> None:
    assert advised_kinds("fourier", 2.5) == {"sparse"}
    assert advised_kinds("pixel", 2.5) == {"generative"}
    assert advised_kinds("fourier", 16) == {"sparse", "generative"}
