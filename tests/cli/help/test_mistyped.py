"""Forty mistyped commands, and the one line that each gets. ``python -m tests.cli.help.test_mistyped`` prints them."""

import contextlib
import io
import os
import sys
import tempfile

import pytest

from cryosense.cli import main

MISTYPED = {
    "reconstrut": "the nearest is reconstruct",
    "reconstruct compresion=2": "the nearest is compression",
    "reconstruct +compresion=2": "the nearest is compression",
    "reconstruct compression=abc": "compression",
    "reconstruct compression=": "compression",
    "reconstruct operator=fourrier": "the nearest is operator=fourier",
    "reconstruct operator/masks=random_binary": "add operator=pixel",
    "reconstruct operator=pixel operator/masks=radial": "add operator=fourier",
    "reconstruct operator.block_size=4": "operator.block_size is a key of operator=pixel",
    "reconstruct block_size=4 operator=pixel": "the nearest is operator.block_size",
    "reconstruct reconstructor=posterior reconstructor.sample=4": "the nearest is reconstructor.samples",
    "reconstruct reconstructor.samples=4": "reconstructor=posterior",
    "reconstruct seed=one": "seed",
    "reconstruct shard.count=2.5": "shard.count",
    "reconstruct data.path=nowhere.star": "nowhere.star",
    "reconstruct density=builtin": "no choice of density",
    "reconstruct +anything=1": "no key 'anything'",
    "reconstruct operator=pixel --config-dir nowhere": "nowhere",
    "simulate snr=-1": "snr must be positive",
    "simulate microscope.voltage=200": "the nearest is microscope.voltage_kv",
    "backproject": "data.path=... is needed",
    "backproject data.path=x.star symetry=D7": "the nearest is symmetry",
    "train model=unroled": ": model=unroled: there is no such choice; the nearest is model=unrolled",
    "train operator=pixel": "is a choice of model=unrolled",
    "measure x.star output=x.h5": ".cryo.h5",
    "reconstruct compression 2": "compression: has no value: compression=...",
    "reconstruct compression==2": "cannot be read",
    "reconstruct --compression=2": "keys are typed without dashes: compression=2",
    "reconstruct --multirn compression=2,3": "the nearest is --multirun",
    "reconstruct --cfg jobs": "one of job, hydra, all",
    "reconstruct operator=pixel --config-dir": "--config-dir: needs a word after it",
    "reconstruct particles.star": "particles.star: no such file",
    "reconstruct data.path=particles.star more.star": "more.star: is neither an option nor key=value",
    "reconstruct reconstructor=TV": "the nearest is reconstructor=tv",
    "reconstruct compression=2,4": "add -m for a run of each",
    "reconstruct ~operator": "cannot do without",
    "reconstruct formats=[jpg]": "formats=jpg: one of png, pdf, svg",
    "align": ": data.path=... is needed",
    "compare-models a.cif": "one and the map that it should fit",
    "simulate density=molecule": "There are builtin, hinge_continuum",
    "reconstruct -m compression=2,4 --cfg job": "-m and --cfg: only one of them",
    "--hlep": "the nearest is --help",
}


def answer(line: str) -> tuple[int, str]:
    """Exit status, and what a command says beside its progress."""
    said = io.StringIO()
    before = sys.argv
    sys.argv = ["cryosense", *line.split()]
    try:
        with contextlib.redirect_stderr(said):
            status = main.main()
    except SystemExit as ended:
        if isinstance(ended.code, str):
            return 1, ended.code
        status = int(ended.code or 0)
    finally:
        sys.argv = before
    return status, said.getvalue().strip()


@pytest.mark.parametrize("line", MISTYPED)
def test_one_line_that_names_what_was_meant(line: str, tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(str(tmp_path))
    status, said = answer(line)
    assert status in {1, 2}
    assert "\n" not in said
    assert MISTYPED[line] in said
    assert "Traceback" not in said
    assert not os.listdir()  # noqa: PTH208 - nothing was made


if __name__ == "__main__":
    os.chdir(tempfile.mkdtemp())
    for each in MISTYPED:
        print(f"cryosense {each}\n    {answer(each)[1]}")
