"""``train model/loss=halves`` through its command line: from a STAR file and two stacks, learning, refusing in one line."""

import json
import shutil
import sys
from pathlib import Path

import pandas as pd
import pytest
import torch

from cryosense.cli.reconstruct import main as reconstruct
from cryosense.cli.train import main
from cryosense.data import ParticleStack, write_star
from tests.cli.stacks import smooth_images, stack
from tests.cli.verbs import refusal

pytestmark = pytest.mark.filterwarnings("ignore")  # Lightning's, of other libraries and of small data
COUNT, BOX, SIGMA = 40, 16, 0.6
GAIN = 4  # deviations that scaling=stack makes 1
WORDS = [
    "model=unrolled",
    "model/loss=halves",
    "network.iterations=2",
    "steps=8",
    "batch_size=4",
    "training.validate_every=4",
    "training.validation_fraction=0.2",
]


@pytest.fixture
def data(tmp_path: Path) -> list[str]:
    random = torch.Generator().manual_seed(0)
    clean = smooth_images(COUNT, BOX, random)
    odd, even = (clean + SIGMA * torch.randn(COUNT, 1, BOX, BOX, generator=random) for _ in range(2))
    stacks = {"particles": (odd + even) / 2, "clean": clean, "odd": odd, "even": even}
    paths = {name: stack(tmp_path / f"{name}.mrcs", images) for name, images in stacks.items()}
    star = tmp_path / "particles.star"
    table = pd.DataFrame({"rlnAngleRot": [0.0] * COUNT})
    write_star(star, paths["particles"], table, None, box_size=BOX, pixel_size_angstrom=3.0)
    return [f"data.path={star}", f"data.clean_path={paths['clean']}", f"data.half_paths=[{paths['odd']},{paths['even']}]"]


def train(monkeypatch: pytest.MonkeyPatch, *words: str) -> None:
    monkeypatch.setattr(sys, "argv", ["x", *words])
    main()


def test_it_trains_on_halves(data: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The loss holds the noise of the half that it compares with; what is exported reconstructs."""
    train(monkeypatch, *data, *WORDS, f"output_dir={tmp_path / 'out'}")
    model = tmp_path / "out" / "model"
    assert json.loads((model / "solver.json").read_text())["loss"] == "halves"
    losses = pd.read_csv(tmp_path / "out" / "losses.csv")
    scale = GAIN * float(ParticleStack.open(tmp_path / "particles.mrcs")[:].std())
    constant = (SIGMA / scale) ** 2
    validation = losses["validation/loss"].dropna()
    assert len(validation) == 2
    assert (validation > 0.8 * constant).all()
    assert losses["validation/psnr_clean"].notna().sum() == 2
    quick = ["scores.lpips=null", "fitting.held_back=4", "draw_example=false", f"output_dir={tmp_path / 'made'}"]
    monkeypatch.setattr(sys, "argv", ["x", *data[:2], *quick, "reconstructor=unrolled", f"reconstructor.path={model}"])
    reconstruct()
    assert len(list((tmp_path / "made").glob("*/rows.parquet"))) == 1


def test_what_cannot_be_is_refused_in_one_line(data: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = data[0]
    odd, again = tmp_path / "odd.mrcs", tmp_path / "again.mrcs"
    shutil.copy(odd, again)
    few = stack(tmp_path / "few.mrcs", torch.randn(COUNT - 1, 1, BOX, BOX))
    diffusion = ["network=small_64", "network.sample_size=16"]
    cases = {
        "data.half_paths=[odd,even] is needed": [*WORDS, path],
        "data.half_paths: model.loss=clean does not use them": [*data, "model=unrolled", "model/loss=clean"],
        "data.half_paths: loss=ddpm does not use them: choose model/loss=halves": [*data, *diffusion],
        f"data.half_paths: {few} holds 39 images of 16 px": [*WORDS, path, f"data.half_paths=[{odd},{few}]"],
        "their noise is not independent": [*WORDS, path, f"data.half_paths=[{odd},{again}]"],
        "give two stacks": [*WORDS, path, f"data.half_paths=[{odd}]"],
        "is needed: two stacks, of the odd and of the even frames": [*WORDS, path, "data=halves"],
    }
    for message, words in cases.items():
        assert message in refusal(train, monkeypatch, *words, f"output_dir={tmp_path / 'out'}")
    assert not (tmp_path / "out").exists()


def test_other_verbs_make_no_use_of_halves(data: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["x", *data, "reconstructor=pinv", f"output_dir={tmp_path / 'out'}"])
    with pytest.raises(SystemExit, match=r"data\.half_paths: of use to cryosense train alone"):
        reconstruct()
    assert not (tmp_path / "out").exists()
