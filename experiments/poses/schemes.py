"""What a scheme of study.yaml leaves of particles, in words of `cryosense align` and `cryosense backproject`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import NamedTuple

import starfile
from omegaconf import DictConfig
from shared import POSES, aligned, composed, slug

from cryosense.cli.backproject import backproject
from cryosense.cli.design import design
from cryosense.cli.reconstruct import reconstruct
from cryosense.errors import CryosenseError

MAPS = ["regularisation=1", "cones.directions=1"]


class Measured(NamedTuple):
    """A directory with ``particles.star``, ``blind.star`` and ``volume.mrc``, how they are measured, and designed masks."""

    data: Path
    words: list[str]
    masks: Path | None

    def align(self, directory: Path, study: DictConfig, words: list[str]) -> None:
        """Find poses, as if there were none."""
        aligned(self.data, directory, study, [*self.words, *words], self.masks)

    def with_known_poses(self, directory: Path, study: DictConfig, symmetry: str) -> None:
        """Make half maps with the poses that the particles were simulated with."""
        words = [f"data.path={self.data / 'particles.star'}", f"output_dir={directory}", f"symmetry={symmetry}", *MAPS]
        if self.words and not any(word.startswith("operator") for word in self.words):
            words.append("design=full")  # of a quantiser alone, as `cryosense align` takes it
        backproject(composed("backproject", [*words, *self.words, f"device={study.device}"], self.masks))


def names(study: DictConfig) -> list[str]:
    """-> of all schemes, in the order of tables."""
    return [str(name) for kind in (study.schemes, study.designs, study.images) for name in kind]


def measured(name: str, data: Path, folder: Path, study: DictConfig, symmetry: str) -> Measured | None:
    """-> a scheme of these particles; None if a design is refused. What has to be made for it is made in the folder."""
    if name in study.schemes:
        return Measured(data, shlex.split(study.schemes[name]), None)
    if name in study.images:
        return Measured(imaged(data, folder / f"images_{slug(name)}", study, shlex.split(study.images[name])), [], None)
    words = [*shlex.split(study.designs[name]), f"symmetry={symmetry}"]
    masks = designed(data, folder, study, slug(name), words)
    family = [*shlex.split(study.masks), "operator/masks=designed", "compression=4"]
    return None if masks is None else Measured(data, family, masks)


def designed(data: Path, folder: Path, study: DictConfig, name: str, words: list[str]) -> Path | None:
    """-> the directory of a design at C = 4, from a back-projection with the true poses; None if it is refused."""
    pilot = [f"data.path={data / 'particles.star'}", f"output_dir={folder / 'pilot'}", "regularisation=1"]
    backproject(composed("backproject", [*pilot, f"device={study.device}"]))
    directory, refusal = folder / f"design_{name}", folder / f"{name}.refused"
    words = [f"pilot.path={folder / 'pilot'}", f"particles={10 * study.particles}", "compression=4", *words]
    try:
        design(composed("design", ["kind=masks", *words, f"output_dir={directory}"]))
    except CryosenseError as error:
        print(f"refused: {error}", flush=True)
        refusal.write_text(f"{error}\n")
        return None
    refusal.unlink(missing_ok=True)
    return directory


def imaged(data: Path, directory: Path, study: DictConfig, words: list[str]) -> Path:
    """-> the directory of images that `cryosense reconstruct` made of all particles, as particles."""
    words = [
        "data=stack",
        f"data.path={data / 'particles.star'}",
        *words,
        f"output_dir={directory}",
        f"relion_root={directory}",
    ]
    fixed = ["scores.lpips=null", "draw_example=false", f"device={study.device}"]
    made = reconstruct(composed("reconstruct", [*words, *fixed])).run_directory
    if not (made / "blind.star").is_file():
        (made / "volume.mrc").write_bytes((data / "volume.mrc").read_bytes())
        blocks = starfile.read(made / "particles.star", always_dict=True)
        starfile.write({**blocks, "particles": blocks["particles"].drop(columns=POSES)}, made / "blind.star")
    return made
