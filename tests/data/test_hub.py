"""Data sets of the hub: from a local folder of the same form and from the hub's cache, without a network."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate

from cryosense.cli.conf_dir import conf_dir
from cryosense.data import ParticleDataError, ParticleSource, StackWriter, open_hub

DATA = ["empiar10076", "empiar11526", "empiar10166", "empiar10786", "empiar10648"]
REPOSITORY, COMMIT = "anon202628/EMPIAR10076_128x128", "0" * 40


def images(box: int = 16) -> torch.Tensor:
    return torch.rand(5, 1, box, box, generator=torch.Generator().manual_seed(0))


def write(path: Path) -> None:
    if path.suffix == ".pt":
        torch.save(images()[:, 0], path)
        return
    with StackWriter(path.with_suffix(".mrcs"), 5, 16, 2.0) as writer:
        writer.write(0, images())
        writer.finish()
    path.with_suffix(".mrcs").rename(path)


@pytest.mark.parametrize("name", DATA)
def test_every_data_set_opens_from_a_folder_of_the_same_form(name: str, tmp_path: Path) -> None:
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        cfg = compose("reconstruct", overrides=[f"data={name}", f"data.local_dir='{tmp_path}'", "denoiser=published"])
    write(tmp_path / cfg.data.file)
    source: ParticleSource = instantiate(cfg.data)
    assert source.name == f"EMPIAR-{name.removeprefix('empiar')}"
    torch.testing.assert_close(source.images[0:5], images())
    number = name.removeprefix("empiar")
    assert cfg.denoiser.model.path.startswith(f"anon202628/empiar{number}-ddpm")
    assert cfg.data.repository == f"anon202628/EMPIAR{number}_{cfg.denoiser.model.path.rpartition('-')[2]}"


def test_a_folder_without_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ParticleDataError, match=r"particles.mrc: no such file; put particles.mrc of .*owner/data there"):
        open_hub("owner/data", "particles.mrc", "main", tmp_path, None, None)


OPEN = f"""
import sys
from cryosense.data import ParticleDataError, open_hub
try:
    source = open_hub("{REPOSITORY}", sys.argv[1], "main", None, 3.0, None)
    print(len(source.images), source.images.pixel_size_angstrom)
except ParticleDataError as error:
    print(error)
"""


def offline(cache: Path, file: str) -> str:
    """What opening a file of the hub says in a process without a network, whose cache is here."""
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HUB_CACHE": str(cache)}
    words = [sys.executable, "-c", OPEN, file]
    return subprocess.run(words, env=environment, capture_output=True, text=True, check=True).stdout.strip()


def test_offline_the_cache_is_enough_and_what_it_lacks_is_named(tmp_path: Path) -> None:
    repository = tmp_path / "datasets--anon202628--EMPIAR10076_128x128"
    (repository / "snapshots" / COMMIT).mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(COMMIT)
    write(repository / "snapshots" / COMMIT / "images.pt")
    assert offline(tmp_path, "images.pt") == "5 3.0"
    said = offline(tmp_path, "absent.pt")
    assert said.startswith(f"absent.pt of the hub's data set {REPOSITORY} is not in the cache")
    assert "local_dir" in said
    assert "\n" not in said
