"""What each format's reader would obey is taken away from text that is not ours."""

import pandas as pd

from cryosense.files.escapes import latex, markdown, without_formulas


def test_markdown_shows_tags_links_and_bars() -> None:
    assert markdown("<img>|[a](b)`*\n") == r"\<img\>\|\[a\](b)\`\* "


def test_latex_shows_commands_and_arguments() -> None:
    assert latex(r"\input{x}%[5cm]*") == r"\textbackslash{}input\{x\}\%{[}5cm]{*}"


def test_formulas_are_text_and_numbers_stay_numbers() -> None:
    table = pd.DataFrame({"name": ["=1+1", "@x", "-a", "+b", "\tc", "plain", ""], "value": [-1.0, 2, 3, 4, 5, 6, 7]})
    written = without_formulas(table)
    assert written["name"].tolist() == ["'=1+1", "'@x", "'-a", "'+b", "'\tc", "plain", ""]
    pd.testing.assert_series_equal(written["value"], table["value"])
