"""Data, reconstructions, linear modes and cryoDRGN trainings of the study; what is done is skipped. Then: analyse.py.

python experiments/heterogeneity/run.py
"""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from hydra import compose, initialize_config_dir
from linear import LinearModes
from omegaconf import OmegaConf

from cryosense.cli.conf_dir import conf_dir
from cryosense.cli.export import export
from cryosense.cli.reconstruct import reconstruct
from cryosense.cli.simulate import simulate

HERE = Path(__file__).parent
ORIGINAL = ("original", 1)
Study = dict[str, Any]


def read_study() -> Study:
    """-> study.yaml, with what the command line says otherwise."""
    study = OmegaConf.to_container(OmegaConf.merge(OmegaConf.load(HERE / "study.yaml"), OmegaConf.from_cli()), resolve=True)
    assert isinstance(study, dict)
    return {str(key): value for key, value in study.items()}


def images(study: Study, data: str, method: str, compression: int) -> Path:
    """-> the STAR file of the particles as they are, or as a method recovers them, with cryoDRGN's files beside it."""
    folder = Path(study["output_dir"]) / data
    simulate(compose("simulate", [f"output_dir={folder}", *study["particles"], *study["data"][data]]))
    star = folder / "particles.star"
    if method != "original":
        files = [
            f"data.path={star}",
            f"data.clean_path={folder / 'clean.star'}",
            f"output_dir={recovered(study, data, method, compression)}",
        ]
        words = ["data=stack", *files, *study["reconstruct"], f"reconstructor={method}", f"compression={compression}"]
        star = reconstruct(compose("reconstruct", words)).run_directory / "particles.star"
    export(compose("export", [f"data.path='{star}'"]))
    return star


def recovered(study: Study, data: str, method: str, compression: int) -> Path:
    """-> where a method's reconstructions are."""
    return Path(study["output_dir"]) / data / f"{method}_C{compression}"


def cells(study: Study) -> Iterator[tuple[str, str, int]]:
    """-> data, method and compression of everything that is made without training."""
    for data in study["data"]:
        yield data, *ORIGINAL
    for method in study["methods"]:
        for data in study["data"]:
            for compression in study["compressions"]:
                yield data, method, compression


def linear_latents(study: Study, data: str, method: str, compression: int) -> Path:
    """-> the file of the linear modes' amplitudes."""
    return Path(study["output_dir"]) / "linear" / f"{data}_{method}_C{compression}.npy"


def training(study: Study, data: str, method: str, compression: int, seed: int) -> Path:
    """-> the directory that cryoDRGN writes its latents to."""
    return Path(study["output_dir"]) / "cryodrgn" / f"{data}_{method}_C{compression}_seed{seed}"


def train(study: Study, star: Path, seed: int, directory: Path) -> None:
    """Train cryoDRGN, and say how long it took."""
    files = ["--poses", star.with_name("poses.pkl"), "--ctf", star.with_name("ctf.pkl"), "--seed", seed, "-o", directory]
    program = Path(sys.executable).with_name("cryodrgn")
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    subprocess.run([program, "train_vae", star, *map(str, [*files, *study["cryodrgn"]])], check=True, capture_output=True)
    seconds = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
    print(f"{directory}: {seconds / 60:.1f} minutes of a core", flush=True)


def main() -> None:
    """Run the study."""
    study = read_study()
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        for cell in cells(study):
            path = linear_latents(study, *cell)
            if not path.exists():
                modes = dict(study["linear"])
                found = LinearModes(images(study, *cell), modes.pop("last_shell")).latents(**modes)
                path.parent.mkdir(parents=True, exist_ok=True)
                np.save(path, found)
                print(path, flush=True)
        for *cell, seed in study["trainings"]:
            directory = training(study, *cell, seed)
            if not (directory / "z.pkl").exists():
                train(study, images(study, *cell), seed, directory)


if __name__ == "__main__":
    main()
