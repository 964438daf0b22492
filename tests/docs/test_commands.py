"""Each page's commands, run in their order on small data, as someone who copies them line by line would."""

import io
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from cryosense.cli.positional import in_full
from cryosense.data import ParticleStack, StackWriter
from tests.biology.peptides import peptide, random_letters, write
from tests.cli.verbs import run_verb
from tests.docs.pages import NAMES, ROOT, commands

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # Lightning's, of other libraries and of small data

# The same commands, on less: what a key is set to on the page stays.
SMALL = {
    "reconstruct": ["scores.lpips=null", "fitting.held_back=4", "fitting.tuning_images=4", "method.max_iterations=30"],
    "validate": ["fitting.held_back=4", "fitting.tuning_images=4", "method.max_iterations=30"],
    "backproject": [],
    "train": ["steps=2", "batch_size=2", "training.validation_images=2", "training.sample_every=1000"],
    "align": ["fineness.last_order=2", "fineness.polish=false", "calibration_particles=16"],
    "compare-latents": ["embedding=pca", "clustering.starts=1"],
    "simulate": ["count=8"],
}
COUNT, BOX, PIXEL_SIZE = 64, 64, 3.5
BUILT_IN = 'data.overrides=["count=24"]'
CTF = {"ctf/df1_A": 15000, "ctf/df2_A": 14800, "ctf/df_angle_rad": 0.3, "ctf/cs_mm": 2.7, "ctf/amp_contrast": 0.1}
CTF |= {"ctf/accel_kv": 300, "ctf/phase_shift_rad": 0}
GRID = ["reconstructor=pinv,zero_filled", "particles=16"]  # of the grids, which have all methods and more particles


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What pages suppose that a reader has: particles, their clean images, a map, latents, models."""
    folder = tmp_path_factory.mktemp("data")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        run_verb(patch, "simulate", "output_dir=made", f"count={COUNT}", "seed=1", "snr=1")
    for name in ("particles.star", "few.star"):
        (folder / name).write_bytes((folder / "made" / "particles.star").read_bytes())
    (folder / "particles.mrcs").symlink_to(folder / "made" / "particles.mrcs")
    (folder / "clean.mrcs").symlink_to(folder / "made" / "clean.mrcs")
    for seed, name in enumerate(("odd.mrcs", "even.mrcs")):
        write_half(folder / name, folder / "clean.mrcs", seed)
    (folder / "map.mrc").symlink_to(folder / "made" / "volume.mrc")
    (folder / "particles.cs").write_bytes(cryosparc(folder / "particles.mrcs"))
    generator = np.random.default_rng(0)
    for run in "abc":
        (folder / run).mkdir()
        for dimensions in (20, 24):
            with (folder / run / f"z.{dimensions}.pkl").open("wb") as file:
                pickle.dump(generator.standard_normal((COUNT, dimensions)).astype(np.float32), file)
        write(folder / f"{run}.cif", [peptide(random_letters(0, 40), shift=(110, 110, 90))])  # inside the map
    (folder / "labels.csv").write_text("state\n" + "\n".join(str(i % 2) for i in range(COUNT)) + "\n")
    return folder


def write_half(path: Path, clean_path: Path, seed: int) -> None:
    """Write what half of the frames make of particles: twice the noise of their SNR of 1."""
    clean = ParticleStack.open(clean_path)[:]
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(seed))
    with StackWriter(path, COUNT, BOX, PIXEL_SIZE) as writer:
        writer.write(0, clean + 2**0.5 * clean.std() * noise)
        writer.finish()


def cryosparc(stack: Path) -> bytes:
    """A table of cryoSPARC's for these images; poses are drawn."""
    kinds = [("uid", "<u8"), ("blob/path", f"S{len(str(stack))}"), ("blob/idx", "<u4"), ("blob/shape", "<u4", (2,))]
    kinds += [(name, "<f4") for name in ("blob/psize_A", "blob/sign", *CTF)]
    kinds += [("alignments3D/pose", "<f4", (3,)), ("alignments3D/shift", "<f4", (2,)), ("alignments3D/split", "<u4")]
    table = np.zeros(COUNT, kinds)
    table["uid"], table["blob/idx"], table["alignments3D/split"] = np.arange(COUNT), np.arange(COUNT), np.arange(COUNT) % 2
    table["blob/path"], table["blob/shape"], table["blob/psize_A"], table["blob/sign"] = (
        str(stack).encode(),
        BOX,
        PIXEL_SIZE,
        1,
    )
    for name, value in CTF.items():
        table[name] = value
    table["alignments3D/pose"] = np.random.default_rng(0).standard_normal((COUNT, 3))
    file = io.BytesIO()
    np.save(file, table)
    return file.getvalue()


def smaller(words: list[str]) -> list[str]:
    """A command's words with what makes it small, where the page does not say otherwise."""
    verb, said = words[0], {word.partition("=")[0] for word in words[1:]}
    added = [word for word in SMALL.get(verb, []) if word.partition("=")[0] not in said]
    built_in = verb == "reconstruct" and not any(word.startswith("data.") for word in in_full(verb, words[1:]))
    grid = any(word.startswith("experiment=") for word in words)
    return [*words, *added, *([BUILT_IN] if built_in else []), *(GRID if grid else [])]


@pytest.mark.parametrize("name", [name for name in NAMES if any(commands(ROOT / name))])
def test_a_page_line_by_line(name: str, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in data.iterdir():
        if path.name != "made":
            (tmp_path / path.name).symlink_to(path)
    monkeypatch.chdir(tmp_path)
    for words in commands(ROOT / name):
        if words[0] == "cryosense" and len(words) > 1 and not words[1].startswith("-"):
            assert not run_verb(monkeypatch, *smaller(words[1:])), words
