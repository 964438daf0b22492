"""Roles of docstrings, :class:`.Name`, as plain code: an extension of griffe, which reads them for the site."""

import re
from typing import Any

from griffe import Extension, Object

ROLE = re.compile(r":(?:\w+:)?\w+:`~?\.?([^`]+)`")


class Roles(Extension):
    """Rewrites the docstring of each object before it is parsed."""

    def on_instance(self, *, obj: Object, **kwargs: Any) -> None:
        """Of ``:meth:`forward``` keep ``forward``."""
        if obj.docstring is not None:
            obj.docstring.value = ROLE.sub(r"`\1`", obj.docstring.value)
