"""Poses from what each scheme measured of the same particles, and RELION's on the uncompressed ones; see README.md."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from pathlib import Path

import mrcfile
import numpy as np
import starfile
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf
from scipy.ndimage import fourier_shift

from cryosense.cli.align import align
from cryosense.cli.backproject import backproject
from cryosense.cli.conf_dir import conf_dir
from cryosense.cli.design import design
from cryosense.cli.simulate import simulate
from cryosense.data.maps import read_map
from cryosense.errors import CryosenseError

HERE = Path(__file__).parent
POSES = ["rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi", "rlnOriginXAngst", "rlnOriginYAngst"]


def main() -> None:
    """Make what is not there yet of every cell."""
    study = OmegaConf.merge(OmegaConf.load(HERE / "study.yaml"), OmegaConf.from_cli())
    for molecule, seed, snr in cells(study):
        kind = study.molecules[molecule]
        folder = cell_folder(study, molecule, snr, seed)
        data = particles(folder / "data", study, words_of(kind), snr, seed)
        symmetry = [f"symmetry={kind.symmetry}"]
        for name, words in chosen(study, study.schemes):
            print(f"{molecule}, SNR {snr}, seed {seed}: {name}", flush=True)
            aligned(data, folder / slug(name), study, [*shlex.split(words), *symmetry], None)
        for name, words in chosen(study, study.designs):
            print(f"{molecule}, SNR {snr}, seed {seed}: {name}", flush=True)
            masks = designed(data, folder, study, slug(name), [*shlex.split(words), *symmetry])
            if masks is not None:
                family = [*shlex.split(study.masks), "operator/masks=designed", "compression=4", *symmetry]
                aligned(data, folder / slug(name), study, family, masks)
        if study.only is None or "relion" in study.only:
            relion(data, folder / "relion", study, kind.symmetry)


def cells(study: DictConfig) -> list[tuple[str, int, float]]:
    """-> molecule, seed and SNR of each cell, those of the first seed first."""
    molecules = [str(name) for name in study.molecules if study.molecule in (None, name)]
    return [(molecule, seed, snr) for seed in study.seeds for molecule in molecules for snr in study.snrs]


def cell_folder(study: DictConfig, molecule: str, snr: float, seed: int) -> Path:
    """-> where a cell's particles and poses are."""
    return Path(study.directory) / slug(molecule) / f"snr_{snr}_seed_{seed}"


def chosen(study: DictConfig, schemes: DictConfig) -> list[tuple[str, str]]:
    """-> those that are asked for, all if none are named."""
    return [(str(name), words) for name, words in schemes.items() if study.only is None or name in study.only]


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
            with mrcfile.new(path, moved.astype(np.float32)) as file:
                file.voxel_size = found.voxel_angstrom[0]
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
        *words,
    ]


def designed(data: Path, folder: Path, study: DictConfig, name: str, words: list[str]) -> Path | None:
    """-> the directory of a design at C = 4, from a back-projection with the true poses; None if it is refused."""
    pilot = [f"data.path={data / 'particles.star'}", f"output_dir={folder / 'pilot'}", "regularisation=1"]
    backproject(composed("backproject", pilot))
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


def relion(data: Path, directory: Path, study: DictConfig, symmetry: str) -> None:
    """``relion_refine`` from the same map at the same resolution, on the uncompressed particles."""
    last = directory / f"run_it{study.relion.iterations:03d}_data.star"
    if last.is_file() or shutil.which("relion_refine") is None:
        return
    directory.mkdir(parents=True, exist_ok=True)
    command = ["relion_refine", "--i", "blind.star", "--ref", "volume.mrc", "--o", str(directory.resolve() / "run")]
    command += ["--ini_high", str(study.resolution_angstrom), "--iter", str(study.relion.iterations)]
    command += ["--sym", symmetry]
    with (directory / "log.txt").open("w") as log:
        subprocess.run([*command, *study.relion.words.split()], cwd=data, stdout=log, stderr=log, check=True)


if __name__ == "__main__":
    main()
