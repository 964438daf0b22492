"""A second device on a machine that has none: it refuses what a GPU would, and computes what the CPU does.

Tensors "on" it answer ``meta`` as their device. An operation that mixes them with the CPU's raises RuntimeError, as CUDA's do;
so does turning one to NumPy. So it is found, without a GPU, where code makes a tensor on the wrong device, and results can be
compared bit by bit. What it does not show: rounding, memory and speed of a real device.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map

DEVICE = torch.device("meta")
CPU = torch.device("cpu")
aten = torch.ops.aten
COPIES = (aten.copy_.default, aten._to_copy.default)
# Of these a CPU tensor may be an argument: places, and what is put there.
INDEXING = (aten.index.Tensor, aten.index_put_.default, aten.index_put.default, aten._index_put_impl_.default)


class There(Tensor):
    """A tensor that says it is on the device, around one on the CPU."""

    inner: Tensor

    @staticmethod
    def __new__(cls, inner: Tensor) -> There:
        made = Tensor._make_wrapper_subclass(
            cls,
            inner.size(),
            strides=inner.stride(),
            storage_offset=inner.storage_offset(),
            dtype=inner.dtype,
            layout=inner.layout,
            device=DEVICE,
        )
        made.inner = inner
        return made

    def tolist(self) -> Any:
        """As of any tensor, which a subclass does not have."""
        return self.cpu().tolist()

    @classmethod
    def __torch_dispatch__(cls, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return dispatched(function, args, kwargs or {})


def dispatched(function: Any, args: Any, kwargs: Any) -> Any:
    """Run an operation on the CPU, and wrap what it gives where it was asked for there, or had anything from there."""
    flat = [each for each in torch.utils._pytree.tree_leaves((args, kwargs)) if isinstance(each, Tensor)]
    there = any(isinstance(each, There) for each in flat)
    asked = kwargs.get("device")
    if there and function not in (*COPIES, *INDEXING):
        mixed = [each for each in flat if not isinstance(each, There) and each.ndim > 0]
        if mixed:
            raise RuntimeError(f"{function}: expected all tensors to be on one device, found cpu beside {DEVICE}")
    if asked is not None and torch.device(asked) == DEVICE:
        kwargs = {**kwargs, "device": CPU}
        there = True
    elif asked is not None:
        there = False
    if function is aten._local_scalar_dense.default:
        there = False
    made = function(*tree_map(_inner, args), **tree_map(_inner, kwargs))
    if not there:
        return made
    known = {id(each.inner): each for each in flat if isinstance(each, There)}  # what works in place gives back what it had
    return tree_map(lambda each: known.get(id(each)) if id(each) in known else _wrapped(each), made)


def _wrapped(value: Any) -> Any:
    if not isinstance(value, Tensor) or isinstance(value, There):
        return value
    return There(value.resolve_conj().resolve_neg())  # the wrapper would not know


def _inner(value: Any) -> Any:
    return value.inner if isinstance(value, There) else value


class _Asked(TorchDispatchMode):
    """Tensors that are asked for there are made there."""

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return dispatched(function, args, kwargs or {})


class _Literals(TorchFunctionMode):
    """``torch.tensor`` and ``as_tensor``, which are no operations, made here and moved."""

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if function is torch.as_tensor and isinstance(args[0], Tensor):
            return args[0].to(**kwargs)
        if function in (torch.tensor, torch.as_tensor) and kwargs.get("device") is not None:
            return function(*args, **{**kwargs, "device": CPU}).to(kwargs["device"])
        return function(*args, **kwargs)


@contextmanager
def pretended() -> Iterator[torch.device]:
    """-> the device, while tensors can be moved there."""
    with _Literals(), _Asked():
        yield DEVICE
