"""What the studies of poses share: particles of a molecule without their poses, and ``cryosense align`` on them."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import mrcfile
import numpy as np
import starfile
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig
from scipy.ndimage import fourier_shift

from cryosense.cli.align import align
from cryosense.cli.conf_dir import conf_dir
from cryosense.cli.simulate import simulate
from cryosense.data.maps import read_map

HERE = Path(__file__).parent
POSES = ["rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi", "rlnOriginXAngst", "rlnOriginYAngst"]


def slug(name: str) -> str:
    """-> a scheme's folder."""
    return "".join(c if c.isalnum() or c == "." else "_" for c in name)


def composed(verb: str, words: list[str], more: Path | None = None) -> DictConfig:
    """-> the config of a command; with ``more`` also searched for options."""
    if more is not None:
        words = [*words, f"hydra.searchpath=[file://{more.resolve()}]"]
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        return compose(verb, overrides=words)


def words_of(kind: DictConfig) -> list[str]:
    """-> the words of a molecule, whose map is moved to the middle of its box if it is from elsewhere.

    Symmetry is imposed about the middle: a map that is symmetric about another axis would come out smeared.
    """
    words = shlex.split(kind.words)
    if "map" in kind:
        (path,) = (Path(word.removeprefix("density.path=")) for word in words if word.startswith("density.path="))
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            found = read_map(kind.map)
            values = found.values.numpy()
            axis = np.arange(len(values)) - len(values) // 2
            solid = values.clip(min=0)
            middle = [float((solid.sum(tuple({0, 1, 2} - {along})) * axis).sum() / solid.sum()) for along in range(3)]
            moved = np.fft.ifftn(fourier_shift(np.fft.fftn(values), [-each for each in middle])).real
            unfinished = path.with_name(f"{os.getpid()}_{path.name}")  # several processes may make it
            with mrcfile.new(unfinished, moved.astype(np.float32)) as file:
                file.voxel_size = found.voxel_angstrom[0]
            unfinished.rename(path)
    return words


def particles(directory: Path, study: DictConfig, molecule: list[str], snr: float, seed: int) -> Path:
    """-> simulated particles with ``blind.star``, in which their poses are not."""
    if not (directory / "blind.star").is_file():
        words = [f"output_dir={directory}", f"count={study.particles}", f"snr={snr}", f"seed={seed}", *molecule]
        words.append(f"relion_root={directory}")  # where it is started
        simulate(composed("simulate", words))
        blocks = starfile.read(directory / "particles.star", always_dict=True)
        blocks["particles"] = blocks["particles"].drop(columns=POSES)
        starfile.write(blocks, directory / "blind.star")
    return directory


def aligned(data: Path, directory: Path, study: DictConfig, words: list[str], masks: Path | None) -> None:
    """``cryosense align`` with these words."""
    align(composed("align", aligned_words(data, directory, study, words), masks))


def aligned_words(data: Path, directory: Path, study: DictConfig, words: list[str]) -> list[str]:
    """-> what ``cryosense align`` is told."""
    return [
        f"data.path={data / 'blind.star'}",
        f"reference={data / 'volume.mrc'}",
        f"reference_resolution_angstrom={study.resolution_angstrom}",
        f"output_dir={directory}",
        f"device={study.device}",
        *words,
    ]
