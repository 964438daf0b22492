"""How objects show themselves: as their class with the parameters that they were made with."""

from __future__ import annotations

import inspect

LONGEST = 80


class ShowsParameters:
    """Shows itself as its class with those parameters of its constructor that it keeps under their names."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({kept_parameters(self)})"


class ShowsInModule:
    """The same for a torch module, whose ``__repr__`` shows its parts beside this. It comes first among the bases."""

    def extra_repr(self) -> str:
        """Return ``name=value, ...``."""
        return kept_parameters(self)


def kept_parameters(thing: object) -> str:
    """Return ``name=value, ...`` of the constructor's parameters that an object keeps; of arrays the shape.

    What torch shows by itself, the modules that a module is made of, is left out.
    """
    names = inspect.signature(type(thing).__init__).parameters
    kept = {name: getattr(thing, name) for name in names if name != "self" and hasattr(thing, name)}
    return ", ".join(f"{name}={_said(value)}" for name, value in kept.items() if not hasattr(value, "state_dict"))


def _said(value: object) -> str:
    shape = getattr(value, "shape", None)
    said = repr(tuple(shape)) if shape is not None else str(getattr(value, "__name__", None) or repr(value))
    return said if len(said) <= LONGEST else f"{said[:LONGEST]}..."
