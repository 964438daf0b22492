"""Whatever is made with settings shows them: no public object prints as an address."""

import enum
import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import nn

import cryosense as cs
from cryosense.cli.kinds import kinds_of
from cryosense.cli.leaves import hints_of
from cryosense.measurement.quantisers import ByShell, Sign, Uniform

PACKAGE = Path(cs.__file__).parent
SETTINGS = {int, float, bool, str, Path}
# Machinery of a room, made and used within it; what libraries ask for by their own protocols.
WITHIN = {"cli", "files", "runs"}
LIBRARIES = ("lightning.", "pickle", "hydra.", "torch.utils")


def classes() -> Iterator[type]:
    for path in sorted(PACKAGE.rglob("*.py")):
        where = path.relative_to(PACKAGE.parent)
        if where.parts[1] in WITHIN or path.name.startswith("__"):
            continue
        module = importlib.import_module(".".join(where.with_suffix("").parts))
        for name, found in vars(module).items():
            if isinstance(found, type) and found.__module__ == module.__name__ and not name.startswith("_"):
                yield found


def has_settings(made: type) -> bool:
    """Whether a constructor takes numbers, text or truth values."""
    hints = hints_of(f"{made.__module__}.{made.__qualname__}")
    return any(set(kinds_of(hint)) & SETTINGS for name, hint in hints.items() if name != "return")


def test_classes_with_settings_show_them() -> None:
    looked_at, silent = 0, []
    for made in classes():
        foreign = any(base.__module__.startswith(LIBRARIES) for base in made.__mro__)
        if foreign or issubclass(made, BaseException | enum.Enum) or inspect.isabstract(made) or not has_settings(made):
            continue
        looked_at += 1
        shows = (
            made.extra_repr is not nn.Module.extra_repr
            if issubclass(made, nn.Module)
            else made.__repr__ is not object.__repr__
        )
        silent += [] if shows else [f"{made.__module__}.{made.__name__}"]
    assert looked_at > 50
    assert silent == []


def test_what_is_shown_is_what_was_given() -> None:
    shown = [
        cs.FourierDesign(compression=4.0),
        cs.Sparse(cs.L1(cs.DCT()), method=cs.FISTA(max_iterations=7)),
        cs.TotalVariation(),
        ByShell([Uniform(step=0.3, last_shell=3), Sign()]),
        cs.PixelMasking(torch.ones(2, 16, 16), 4),
    ]
    said = [repr(each) for each in shown]
    assert "compression=4.0" in said[0]
    assert "max_iterations=7" in said[1]
    assert said[2].startswith("TotalVariation(")
    assert "step=0.3" in said[3]
    assert "block_size=4" in said[4]
    assert not any(" object at 0x" in each for each in said)
