"""What is imported is not searched for garbage; everything else is."""

import gc
import os
import subprocess
import sys
import weakref
from contextlib import suppress
from pathlib import Path

import pytest
import torch
import torch._decomp

from cryosense.cli.importing import bound_when_called, nothing_is_garbage, without
from cryosense.cli.main import VERBS
from tests.cli.verbs import cryosense


class Ring:
    """An object that only the collector can free."""

    def __init__(self) -> None:
        self.itself = self


def test_what_a_block_imports_is_never_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "imported_here.py").write_text("RING = [object()]\nRING.append(RING)\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    before = gc.get_freeze_count()
    with nothing_is_garbage():
        assert not gc.isenabled()
        import imported_here  # type: ignore[import-not-found]
    try:
        assert gc.isenabled()
        assert gc.get_freeze_count() > before
        assert not any(each is imported_here.RING for each in gc.get_objects())
    finally:
        gc.unfreeze()
        del sys.modules["imported_here"]


def test_garbage_is_still_collected() -> None:
    with nothing_is_garbage():
        ring = Ring()
    gone = weakref.ref(ring)
    del ring
    gc.collect()
    assert gone() is None


def test_a_collector_that_was_off_stays_off() -> None:
    gc.disable()
    try:
        with nothing_is_garbage():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_functions_are_looked_up_at_once_again_afterwards() -> None:
    before = sys.getdlopenflags()
    with suppress(KeyError), bound_when_called():
        within = sys.getdlopenflags()
        raise KeyError
    assert (within & os.RTLD_LAZY, within & os.RTLD_NOW) == (os.RTLD_LAZY, 0)
    assert sys.getdlopenflags() == before


def test_what_is_taken_for_not_installed_can_be_imported_afterwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "taken_by_chance.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    with without("taken_by_chance"), pytest.raises(ImportError):
        import taken_by_chance  # type: ignore[import-not-found]
    import taken_by_chance

    with without("taken_by_chance"):  # imported before: it stays
        assert sys.modules["taken_by_chance"] is taken_by_chance
    assert sys.modules.pop("taken_by_chance") is taken_by_chance


LATER = """
import importlib, sys
from cryosense.cli.importing import lean_torch

lean_torch()
import torch

assert torch.__spec__.loader is torch.__loader__ and torch.__spec__.origin == torch.__file__
drawn = torch.rand(2, generator=torch.Generator().manual_seed(3))
assert not {"torch._meta_registrations", "torch._decomp", "torch._refs", "torch._prims"} & set(sys.modules)
asked = importlib.import_module(sys.argv[1])
assert asked is sys.modules[sys.argv[1]] and asked.__spec__.name == sys.argv[1] and asked.__spec__.origin == asked.__file__
assert torch.empty(2, 3, device="meta").lerp(torch.empty(3, device="meta"), 0.5).shape == (2, 3)
assert torch.equal(torch.compile(lambda x: x + 1, backend="aot_eager")(torch.ones(2)), torch.full((2,), 2.0))
assert torch.equal(torch.rand(2, generator=torch.Generator().manual_seed(3)), drawn)
print("KNOWN", len(torch._decomp.decomposition_table))
"""


@pytest.mark.parametrize("first", ["torch._meta_registrations", "torch._refs", "torch._decomp", "torch._dynamo"])
def test_what_compilers_need_of_torch_comes_whole_when_they_do(first: str) -> None:
    said = subprocess.run([sys.executable, "-c", LATER, first], capture_output=True, text=True, check=True).stdout.split()
    assert said == ["KNOWN", str(len(torch._decomp.decomposition_table))]


LOADED = """
import sys
from cryosense.cli.main import main

unused = sys.argv.pop().split()
sys.argv = ["cryosense", *sys.argv[1:]]
main()
print("LOADED", *sorted(set(unused) & set(sys.modules)))
"""
COMPILERS = "torch._decomp torch._meta_registrations torch._dynamo"
SELDOM = f"diffusers torchvision lightning wandb joblib cuda.bindings {COMPILERS}"
RARE = f"scipy.ndimage scipy.constants {SELDOM}"
OTHERS = "cryosense.tasks.mask_design cryosense.tasks.design cryosense.alignment torch_fourier_slice scipy.optimize"


def loaded(*words: str, of: str) -> str:
    """-> those of some modules that a verb has loaded when it ends."""
    command = [sys.executable, "-c", LOADED, *words, of]
    last = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[-1]
    assert last.startswith("LOADED")
    return last.removeprefix("LOADED").strip()


def test_verbs_load_none_of_what_others_need(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, runs = tmp_path / "data", tmp_path / "runs"
    cryosense(monkeypatch, "simulate", "count=4", "box_size=32", "pixel_size_angstrom=8", f"output_dir={data}")
    source = f"data.path={data / 'particles.star'}"
    words = ["reconstructor=pinv", source, "scores.lpips=null", f"output_dir={runs}"]
    assert loaded("reconstruct", *words, "particles=2", of=f"{RARE} numba {OTHERS}") == ""
    assert loaded("backproject", source, f"output_dir={tmp_path / 'maps'}", of=f"{RARE} scipy.linalg") == ""
    measured = f"output={tmp_path / 'particles.cryo.h5'}"
    assert loaded("measure", source, measured, of=f"{RARE} pyarrow.parquet numba matplotlib {OTHERS}") == ""


IMPORTED = """
import importlib, sys
from cryosense.cli.importing import lean_torch

lean_torch()
for verb in sys.argv[1].split():
    importlib.import_module(f"cryosense.cli.{verb.replace('-', '_')}")
print("LOADED", *sorted(set(sys.argv[2].split()) & set(sys.modules)))
"""


def test_verbs_import_none_of_what_few_need() -> None:
    of_their_own = {"train", "compare-latents"}  # lightning and diffusers; rank correlation
    verbs, few = " ".join(set(VERBS) - of_their_own), f"{SELDOM} scipy.stats numba"
    said = subprocess.run([sys.executable, "-c", IMPORTED, verbs, few], capture_output=True, text=True, check=True).stdout
    assert said.split() == ["LOADED"]
