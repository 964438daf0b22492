"""LaTeX that compiles, with the best in bold and names in words."""

import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from cryosense.reporting.tables.paper_latex import paper_latex
from tests.reporting.tables.test_paper_tables import rows_of, tables_of
from tests.tasks.runs import RADIAL

HOSTILE = "a|b $x$ \\input{x} <b>_%&"
DOCUMENT = r"""\documentclass{article}
\usepackage{booktabs,siunitx}
\begin{document}
%s
\end{document}
"""


def made() -> str:
    frames = [rows_of(method, 0.2 + 0.1 * i, data=HOSTILE) for i, method in enumerate(("pinv", "tv", "fourier_crop"))]
    radial = RADIAL | {"symmetric": False}
    frames += [rows_of(method, 0.3 - 0.1 * i, operator=radial) for i, method in enumerate(("pinv", "dct"))]
    return paper_latex(tables_of(pd.concat(frames)), 0.95)


def test_names_are_words_and_the_best_is_bold() -> None:
    said = made()
    assert "total variation &" in said
    assert "lowest frequencies &" in said
    assert r"pseudo-inverse & \bfseries 0.200 & $\pm$" in said
    assert said.count(r"\toprule") == said.count(r"\bottomrule") == said.count(r"\begin{table}") == 2


@pytest.mark.slow
def test_it_compiles(tmp_path: Path) -> None:
    compiler = next((found for name in ("tectonic", "pdflatex") if (found := shutil.which(name))), None)
    if compiler is None:
        pytest.skip("no LaTeX here: tectonic, or texlive-science")
    (tmp_path / "paper.tex").write_text(DOCUMENT % made())
    options = ["-interaction=nonstopmode", "-halt-on-error"] if "pdflatex" in compiler else []
    done = subprocess.run([compiler, *options, "paper.tex"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "paper.pdf").stat().st_size > 1000
