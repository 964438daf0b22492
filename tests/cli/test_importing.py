"""What is imported is not searched for garbage; everything else is."""

import gc
import subprocess
import sys
import weakref
from pathlib import Path

import pytest

from cryosense.cli.importing import nothing_is_garbage
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


LOADED = """
import sys
from cryosense.cli.main import main

sys.argv = ["cryosense", *sys.argv[1:]]
main()
print("LOADED", *sorted({"numba", "scipy", "diffusers", "torchvision", "lightning", "wandb", "joblib"} & set(sys.modules)))
"""


def test_the_simplest_method_loads_none_of_what_others_need(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, runs = tmp_path / "data", tmp_path / "runs"
    cryosense(monkeypatch, "simulate", "count=4", "box_size=32", "pixel_size_angstrom=8", f"output_dir={data}")
    words = [
        "reconstructor=pinv",
        f"data.path={data / 'particles.star'}",
        "scores.lpips=null",
        f"output_dir={runs}",
    ]
    command = [sys.executable, "-c", LOADED, "reconstruct", *words]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert said[-1] == "LOADED"
