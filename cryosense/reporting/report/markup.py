"""HTML in which text is escaped unless it was made here."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Mapping, Sequence
from html import escape

from matplotlib import rc_context
from matplotlib.figure import Figure

EMPTY_ELEMENTS = {"img", "link", "meta"}


class Markup(str):
    """Text that is HTML already. Only :func:`element`, :func:`joined` and this module's other functions make it."""


def element(tag: str, *children: str, **attributes: str) -> Markup:
    """-> ``<tag attributes>children</tag>``, everything escaped that is no :class:`Markup`; ``class_`` is ``class``."""
    written = "".join(f' {name.rstrip("_").replace("_", "-")}="{escape(value)}"' for name, value in attributes.items())
    inside = joined(children)
    return Markup(f"<{tag}{written}>" if tag in EMPTY_ELEMENTS else f"<{tag}{written}>{inside}</{tag}>")


def joined(parts: Iterable[str]) -> Markup:
    """-> one after the other, escaped where it is no :class:`Markup`."""
    return Markup("".join(part if isinstance(part, Markup) else escape(part) for part in parts))


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Markup:
    """-> a table that scrolls sideways where it is too wide; the first column names the rows."""
    head = element("tr", *(element("th", title, scope="col") for title in header))
    body = [element("tr", element("th", row[0], scope="row"), *(element("td", word) for word in row[1:])) for row in rows]
    return scrolling(element("table", element("thead", head), element("tbody", *body)))


def scrolling(inside: Markup) -> Markup:
    """-> something wide, which scrolls by itself; with the keyboard as well."""
    return element("div", inside, class_="wide", tabindex="0")


def table_of(lines: Sequence[Mapping[str, str]]) -> Markup:
    """Lines of one form -> a table; nothing for no lines."""
    header = list(lines[0]) if lines else []
    return table(header, [[line[name] for name in header] for line in lines]) if lines else Markup("")


def drawing(figure: Figure, caption: str) -> Markup:
    """-> a figure of lines as vectors inside the page, its caption below and instead of it."""
    file = io.BytesIO()
    with rc_context({"svg.hashsalt": "cryosense"}):  # the same figure, the same bytes
        figure.savefig(file, format="svg", metadata={"Date": None})
    return _image(file.getvalue(), "image/svg+xml", caption)


def photograph(figure: Figure, caption: str) -> Markup:
    """-> a figure of images as pixels inside the page, its caption below and instead of it."""
    file = io.BytesIO()
    figure.savefig(file, format="png", metadata={"Software": None})
    return _image(file.getvalue(), "image/png", caption)


def _image(content: bytes, kind: str, caption: str) -> Markup:
    source = f"data:{kind};base64,{base64.b64encode(content).decode()}"
    return element("figure", element("img", src=source, alt=caption), element("figcaption", caption))
