"""Networks whose operations torch fuses into compiled ones, by option: results differ by their rounding."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence

from torch import nn

from cryosense.errors import ArgumentError


def fuse(networks: Sequence[nn.Module]) -> None:
    """Let ``torch.compile`` work on networks when they are first called, which takes a minute; their weights stay.

    Each is compiled anew for another shape of what it is given: give it portions of one size.

    Raises:
        ArgumentError: there is no network, or no C++ compiler, without which torch cannot.
    """
    if not networks:
        raise ArgumentError("compile=true: this reconstructor runs no network: leave compile=false")
    compiler = os.environ.get("CXX", "g++")
    if shutil.which(compiler) is None:
        raise ArgumentError(
            f"compile=true: torch needs a C++ compiler, and there is no {compiler}: install one, name it by the environment "
            "variable CXX, or leave compile=false"
        )
    for network in networks:
        network.compile(dynamic=False)
