"""HTML in which text is escaped unless it was made here."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Mapping, Sequence
from html import escape

from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

EMPTY_ELEMENTS = {"img", "link", "meta"}


class Markup(str):
    """Text that is HTML already. Only ``element``, ``joined`` and this module's other functions make it."""


def element(tag: str, *children: str, **attributes: str) -> Markup:
    """Return ``<tag attributes>children</tag>``, escaping everything that is not ``Markup``; ``class_`` becomes ``class``."""
    written = "".join(f' {name.rstrip("_").replace("_", "-")}="{escape(value)}"' for name, value in attributes.items())
    inside = joined(children)
    return Markup(f"<{tag}{written}>" if tag in EMPTY_ELEMENTS else f"<{tag}{written}>{inside}</{tag}>")


def joined(parts: Iterable[str]) -> Markup:
    """Return the parts one after the other, escaped where they are not ``Markup``."""
    return Markup("".join(part if isinstance(part, Markup) else escape(part) for part in parts))


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Markup:
    """Return a table that scrolls sideways if it is too wide; the first column names the rows."""
    head = element("tr", *(element("th", title, scope="col") for title in header))
    body = [element("tr", element("th", row[0], scope="row"), *(element("td", word) for word in row[1:])) for row in rows]
    return scrolling(element("table", element("thead", head), element("tbody", *body)))


def scrolling(inside: Markup) -> Markup:
    """Return wide content in a box of its own that scrolls, with the keyboard too."""
    return element("div", inside, class_="wide", tabindex="0")


def table_of(lines: Sequence[Mapping[str, str]]) -> Markup:
    """Return lines with the same keys as a table; nothing if there are none."""
    header = list(lines[0]) if lines else []
    return table(header, [[line[name] for name in header] for line in lines]) if lines else Markup("")


def drawing(figure: Figure, caption: str) -> Markup:
    """Return a line figure as vectors inside the page, with its caption below and as its alternative text."""
    file = io.BytesIO()
    with rc_context({"svg.hashsalt": "cryosense"}):  # the same figure, the same bytes
        figure.savefig(file, format="svg", metadata={"Date": None})
    return _image(file.getvalue(), "image/svg+xml", caption)


def photograph(figure: Figure, caption: str) -> Markup:
    """Return a figure of images as pixels inside the page, with its caption below and as its alternative text."""
    file = io.BytesIO()
    # As savefig would, which draws twice where axes make room for each other.
    FigureCanvasAgg(figure).print_png(file, metadata={"Software": None})
    return _image(file.getvalue(), "image/png", caption)


def _image(content: bytes, kind: str, caption: str) -> Markup:
    source = f"data:{kind};base64,{base64.b64encode(content).decode()}"
    return element("figure", element("img", src=source, alt=caption), element("figcaption", caption))
