"""Particles as people have them: what contradicts itself is refused by every verb alike, what is left out is named."""

import gzip
from pathlib import Path

import numpy as np
import pytest
import starfile
import torch

from tests.cli.stacks import noise_stack
from tests.cli.verbs import cryosense, refusal, run_verb
from tests.tasks.stacks import write_stack

VERBS = {
    "advise": ["output_dir=none"],
    "align": ["output_dir=none", "reference=none.mrc", "reference_resolution_angstrom=20"],
    "backproject": ["output_dir=none"],
    "design": ["output_dir=none", "share=0.9"],
    "export": ["output_dir=none"],
    "measure": ["output=none/few.cryo.h5"],
    "reconstruct": ["output_dir=none"],
    "validate": ["output_dir=none"],
}


@pytest.mark.parametrize("verb", VERBS)
def test_a_table_and_headers_of_different_pixel_size(verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is measured once with a wrong one stays wrong: no header comes along."""
    monkeypatch.chdir(tmp_path)
    star = write_stack(tmp_path)
    blocks = starfile.read(star, always_dict=True)
    starfile.write(blocks | {"optics": blocks["optics"].assign(rlnImagePixelSize=1.06)}, star, overwrite=True)
    said = refusal(run_verb, monkeypatch, verb, star.name, *VERBS[verb])
    assert said.startswith(f"cryosense {verb}: {star.name}: pixel size 1.06 Angstrom, but ")
    assert said.endswith("says 4 in its header; correct the wrong one, or give the right one (data.pixel_size_angstrom)")
    assert not Path("none").exists()


@pytest.mark.parametrize("verb", ["measure", "reconstruct"])
def test_who_is_left_out_is_named(
    verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    images = torch.randn(40, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    images[5], images[21] = 0, 3
    np.save("particles.npy", images.numpy())
    words = [*VERBS[verb], *(["reconstructor=pinv", "scores.lpips=null"] if verb == "reconstruct" else [])]
    cryosense(monkeypatch, verb, "particles.npy", *words, "data_checks.skip_bad=true")
    said = capsys.readouterr().err
    assert "leaves out 2 unusable particle(s), numbered from 0: 5 (constant), 21 (constant)\n" in said


@pytest.mark.parametrize("verb", ["measure", "reconstruct"])
def test_an_odd_box_and_the_cure(verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    noise_stack(tmp_path, 40, 17)
    words = [*VERBS[verb], *(["reconstructor=pinv", "scores.lpips=null"] if verb == "reconstruct" else [])]
    said = refusal(run_verb, monkeypatch, verb, "particles.mrcs", *words)
    assert "the box of 17 px is odd: " in said
    cure = said.partition("as by ")[2].split()
    cryosense(monkeypatch, verb, "particles.mrcs", *words, *cure)


@pytest.mark.parametrize("name", ["particles.mrcs.gz", "particles.star.gz"])
def test_compressed_files_are_to_be_decompressed(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).write_bytes(gzip.compress(b"anything"))
    assert refusal(run_verb, monkeypatch, "measure", name, "output=few.cryo.h5").endswith("decompress it first")
