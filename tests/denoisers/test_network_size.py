"""Configurations of networks that nobody trained: refused before they are built."""

import json
from pathlib import Path

import pytest

from cryosense.denoisers import PipelineError, open_ddpm, open_gaussian
from tests.fuzz.more_targets import pipeline


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        ("unet/config.json", {"layers_per_block": 10**6}, "more than any network has"),
        ("unet/config.json", {"block_out_channels": [2**20, 2**20]}, "more than any network has"),
        ("unet/config.json", {"block_out_channels": [2048, 2048]}, "the weights have"),
        ("unet/config.json", {"norm_num_groups": 0}, "cannot be read"),
        ("unet/config.json", {"down_block_types": ["os.system", "DownBlock2D"]}, "cannot be read"),
        ("scheduler/scheduler_config.json", {"num_train_timesteps": 2**33}, "no schedule"),
        ("scheduler/scheduler_config.json", {"beta_end": "x"}, "no schedule"),
    ],
)
def test_what_cannot_be(tmp_path: Path, file: str, change: dict[str, object], message: str) -> None:
    pipeline(tmp_path)
    path = tmp_path / file
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(PipelineError, match=message):
        open_ddpm(str(tmp_path))


@pytest.mark.parametrize(
    "change",
    [{"box_size": 10**5}, {"box_size": None}, {"spectrum": [1.0]}, {"spectrum": "x"}, {"spectrum": [-1.0] * 12}, {"mean": []}],
)
def test_facts_that_cannot_be(tmp_path: Path, change: dict[str, object]) -> None:
    pipeline(tmp_path)
    path = tmp_path / "cryosense.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(PipelineError, match=r"cryosense\.json says about its training images is impossible"):
        open_gaussian(str(tmp_path))


@pytest.mark.parametrize("content", ["7", '"text"', "[1, 2]", "null"])
def test_a_scheduler_that_is_no_object(tmp_path: Path, content: str) -> None:
    pipeline(tmp_path)
    (tmp_path / "scheduler" / "scheduler_config.json").write_text(content)
    with pytest.raises(PipelineError, match=r"scheduler_config\.json"):
        open_ddpm(str(tmp_path))


def test_a_weight_that_is_not_in_the_file_is_not_drawn_at_random(tmp_path: Path) -> None:
    pipeline(tmp_path)
    path = tmp_path / "unet" / "diffusion_pytorch_model.safetensors"
    path.write_bytes(path.read_bytes().replace(b"norm2.weight", b"norm2.yeight", 1))
    with pytest.raises(PipelineError, match="weights and configuration disagree about"):
        open_ddpm(str(tmp_path))
