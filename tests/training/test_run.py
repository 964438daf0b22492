"""What a run that was interrupted goes on from."""

from pathlib import Path

import pytest
import torch

from cryosense.files.untrusted import UntrustedFileError
from cryosense.training.checkpoints import step_of


def test_the_step_of_a_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "last.ckpt"
    assert step_of(path) == 0
    torch.save({"global_step": 70, "state_dict": {}}, path)
    assert step_of(path) == 70


@pytest.mark.parametrize("content", [{"state_dict": {}}, [70]])
def test_what_is_no_checkpoint_is_refused_by_name(tmp_path: Path, content: object) -> None:
    path = tmp_path / "last.ckpt"
    torch.save(content, path)
    with pytest.raises(UntrustedFileError, match=r"last\.ckpt.*global_step"):
        step_of(path)


def test_a_damaged_checkpoint_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "last.ckpt"
    torch.save({"global_step": 70, "weights": torch.zeros(1000)}, path)
    path.write_bytes(path.read_bytes()[:1500])
    with pytest.raises(UntrustedFileError, match=r"last\.ckpt"):
        step_of(path)
