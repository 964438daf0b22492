"""Imports of a thousand modules and more, without a search for garbage among them, nor those that nothing here uses."""

from __future__ import annotations

import atexit
import gc
import importlib
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

# How PyTorch's operations work on tensors without values, a third of what its import takes: for compilers and exporters.
WITHOUT_VALUES = "torch._meta_registrations"
# What can be imported only after it, and what uses it, whoever imports that.
AFTER_IT = frozenset({"torch._decomp", "torch._prims", "torch._refs"})
USING_IT = frozenset(
    {"torch._dynamo", "torch._inductor", "accelerate", "diffusers", "lightning", "torchvision", "transformers"}
)
# Drivers of GPUs in Python, by which PyTorch divides these and profiles them: nothing here does.
DRIVERS = "cuda.bindings"


@contextmanager
def without(name: str) -> Iterator[None]:
    """Let the block import all that takes a module only where it is installed as if this one were not.

    What has been imported already stays.
    """
    if name in sys.modules:
        yield
        return
    sys.modules[name] = None  # type: ignore[assignment]  # by which Python marks what is not to be imported
    try:
        yield
    finally:
        del sys.modules[name]


@contextmanager
def bound_when_called() -> Iterator[None]:
    """Let the system look functions of libraries up when they are first called, not all while the block imports.

    PyTorch's and those that it is linked with name hundreds of thousands, of which a verb calls a few thousand.
    """
    before = sys.getdlopenflags() if hasattr(sys, "getdlopenflags") else None  # not on Windows, which has no such choice
    if before is None:
        yield
        return
    sys.setdlopenflags(before & ~os.RTLD_NOW | os.RTLD_LAZY)
    try:
        yield
    finally:
        sys.setdlopenflags(before)


@contextmanager
def nothing_is_garbage() -> Iterator[None]:
    """Keep Python's collector from searching what the block imports, now and later, and what is left when the process ends.

    Modules stay until the end, which frees them anyway; to search them costs a quarter of an import's time. For everything
    else the collector does its work.
    """
    atexit.register(gc.freeze)
    before, was_on = len(sys.modules), gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if len(sys.modules) > before:
            gc.freeze()
        if was_on:
            gc.enable()


def lean_torch() -> None:
    """Let PyTorch, once it is imported, leave ``WITHOUT_VALUES`` for when something that needs it is imported.

    Until then a few operations on tensors of the device ``meta`` raise NotImplementedError, and ``torch.cuda.green_contexts``
    takes ``DRIVERS`` for not installed; nothing else is any different.
    """
    if "torch" not in sys.modules and not any(isinstance(finder, _Torch) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Torch())


class _Torch(MetaPathFinder, Loader):
    """Finds PyTorch where it is, and executes it with an empty module for ``WITHOUT_VALUES`` and without ``DRIVERS``."""

    loader: Loader

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if fullname != "torch":
            return None
        sys.meta_path.remove(self)
        spec = PathFinder.find_spec(fullname, path)
        if spec is not None and spec.loader is not None:
            self.loader, spec.loader = spec.loader, self
        return spec

    def exec_module(self, module: ModuleType) -> None:
        assert module.__spec__ is not None
        module.__spec__.loader = module.__loader__ = self.loader
        stand_in = sys.modules[WITHOUT_VALUES] = ModuleType(WITHOUT_VALUES)
        sys.meta_path.insert(0, _Missing())
        try:
            with without(DRIVERS):
                self.loader.exec_module(module)
        finally:
            if sys.modules.get(WITHOUT_VALUES) is stand_in:
                del sys.modules[WITHOUT_VALUES]
        _let_generators_be_made(module)


def _let_generators_be_made(torch: ModuleType) -> None:
    """Do for ``torch.Generator`` what comes with ``WITHOUT_VALUES`` since PyTorch 2.14, before which none can be made."""
    give = getattr(torch._C, "_set_generator_metaclass", None)
    if give is not None:
        give(importlib.import_module("torch._custom_class_base").CustomClassBaseMeta)


class _Missing(MetaPathFinder, Loader):
    """Imports ``WITHOUT_VALUES`` before the first module that needs it, and finds that if it came with it."""

    def __init__(self) -> None:
        self.specs: dict[str, ModuleSpec | None] = {}

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if fullname not in AFTER_IT | USING_IT | {WITHOUT_VALUES}:
            return None
        sys.meta_path.remove(self)
        if fullname == WITHOUT_VALUES:
            return None
        sys.modules.pop(WITHOUT_VALUES, None)  # the stand-in, should PyTorch itself need it now
        importlib.import_module(WITHOUT_VALUES)
        if fullname not in sys.modules:
            return None
        # It came with it. The import that asked would execute it a second time, by the spec that it finds at the module.
        module = sys.modules[fullname]
        self.specs[fullname], module.__spec__ = module.__spec__, ModuleSpec(fullname, self)
        return module.__spec__

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return sys.modules[spec.name]

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self.specs[module.__name__]
