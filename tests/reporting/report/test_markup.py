"""Text cannot become HTML."""

import re

from matplotlib.figure import Figure

from cryosense.reporting.report.markup import Markup, drawing, element, joined, photograph, table, table_of

HOSTILE = "<script>alert('x')</script>\"&"
ESCAPED = "&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt;&quot;&amp;"


def test_whatever_is_no_markup_is_escaped_once_wherever_it_stands() -> None:
    inner = element("b", HOSTILE, class_=HOSTILE)
    assert inner == f'<b class="{ESCAPED}">{ESCAPED}</b>'
    assert element("p", inner, HOSTILE) == f"<p>{inner}{ESCAPED}</p>"
    assert joined([Markup("<i>"), "<i>"]) == "<i>&lt;i&gt;"
    assert table([HOSTILE], [[HOSTILE]]).count(ESCAPED) == 2
    assert table_of([{HOSTILE: HOSTILE}]).count(ESCAPED) == 2
    assert table_of([]) == ""


def test_attributes_and_elements_without_an_end() -> None:
    assert element("meta", http_equiv="a", content="b") == '<meta http-equiv="a" content="b">'


def test_figures_are_inside_the_page_and_the_same_each_time() -> None:
    def figure() -> Figure:
        made = Figure(figsize=(1, 1))
        made.subplots().plot([0, 1])
        return made

    for show, kind in ((drawing, "svg\\+xml"), (photograph, "png")):
        shown = show(figure(), HOSTILE)
        assert re.search(f'<img src="data:image/{kind};base64,[A-Za-z0-9+/=]+" alt="{re.escape(ESCAPED)}">', shown)
        assert f"<figcaption>{ESCAPED}</figcaption>" in shown
        assert shown == show(figure(), HOSTILE)
