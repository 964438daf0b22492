"""What a device would have to do for a piece of work: kernels to launch, bytes to move, moments at which the host waits.

Counted at torch's dispatcher, on the pretended device. An operation that computes is one launch at least (Fourier transforms,
convolutions and normalisations are several on a real device); views and allocations are none. Bytes are of all distinct
elements that an operation reads and writes, as if nothing were kept in a cache.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from tests.pretended_device import COPIES, DEVICE, INDEXING

aten = torch.ops.aten
# They only make a tensor, or look at one in another way, which torch does not say of the last two.
MAKING = (aten.empty, aten.empty_like, aten.empty_strided, aten.new_empty, aten.new_empty_strided)
FREE = (*MAKING, aten._unsafe_view, aten.lift_fresh)
OVERWRITING = (aten.copy_, aten.fill_, aten.zero_)
ASKING = (aten._local_scalar_dense, aten.nonzero, aten.masked_select, aten.equal)  # what they return, the device has to tell


@dataclass
class Launches:
    """What was counted."""

    launches: int = 0
    bytes: int = 0
    waits: int = 0  # of the host for the device
    names: Counter[str] = field(default_factory=Counter)  # of what was launched
    waiting: Counter[str] = field(default_factory=Counter)  # names of what was waited for


class _Counting(TorchDispatchMode):
    def __init__(self, made: Launches) -> None:
        super().__init__()
        self.made = made

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        result = function(*args, **kwargs)
        given, returned = _tensors((args, kwargs)), _tensors(result)
        if any(each.device == DEVICE for each in [*given, *returned]):
            self._count(function, args, kwargs, returned)
        return result

    def _count(self, function: Any, args: Any, kwargs: Any, returned: list[Tensor]) -> None:
        kind, name = function.overloadpacket, function.overloadpacket.__name__
        if _is_waited_for(function, args, kwargs, returned):
            self.made.waits += 1
            self.made.waiting[name] += 1
        if kind in FREE or function.is_view or kind is aten._local_scalar_dense:
            return
        read = _tensors([args, {key: value for key, value in kwargs.items() if key != "out"}])
        moved = [*(read[1:] if kind in OVERWRITING else read), *returned]
        self.made.launches += 1
        self.made.names[name] += 1
        self.made.bytes += sum(_distinct(each) * each.element_size() for each in moved)


def _is_waited_for(function: Any, args: Any, kwargs: Any, returned: list[Tensor]) -> bool:
    given = _tensors((args, kwargs))
    if function in COPIES:
        across = len({each.device for each in [*given, *returned]}) > 1
        return across and not (kwargs.get("non_blocking") or True in args[2:])
    if function in INDEXING:
        places = _tensors(args[1])
        return any(each.dtype == torch.bool or each.device != DEVICE for each in places)
    return function.overloadpacket in ASKING


def _tensors(of: Any) -> list[Tensor]:
    return [each for each in tree_leaves(of) if isinstance(each, Tensor)]


def _distinct(x: Tensor) -> int:
    """-> elements of a tensor, those that an expanded one repeats counted once."""
    counted = 1
    for size, stride in zip(x.shape, x.stride(), strict=True):
        counted *= size if stride else min(size, 1)
    return counted


@contextmanager
def counted() -> Iterator[Launches]:
    """-> counts of what is done on the pretended device, which has to be in use."""
    made = Launches()
    with _Counting(made):
        yield made
