"""Designed and flat masks against compression; see README.md. Prints a table, writes design.csv, design.md and design.png."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import starfile
from design_findings import draw, finding, markdown
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf

from cryosense.cli.backproject import backproject
from cryosense.cli.conf_dir import conf_dir
from cryosense.cli.design import design
from cryosense.cli.simulate import simulate

HERE = Path(__file__).parent


class Density:
    """One simulated data set and all that is made of it; what is on disk already is not made again."""

    def __init__(self, config: DictConfig, name: str) -> None:
        self.config = OmegaConf.merge(config, config.densities[name])
        self.folder = Path(config.output_dir).absolute() / re.sub(r"\W+", "_", name)

    def simulate(self) -> None:
        """Make the particles and the pilots' tables."""
        keys = ("box_size", "pixel_size_angstrom", "seed")
        settings = [f"{key}={self.config[key]}" for key in keys] + list(self.config.density)
        count, snr = self.config.particles, self.config.snr
        simulate(compose("simulate", [f"output_dir={self.folder}/data", f"count={count}", f"snr={snr}", *settings]))
        blocks = starfile.read(self.folder / "data" / "particles.star", always_dict=True)
        for seed in self.config.pilots:
            path = self.folder / "data" / f"pilot_{seed}.star"
            if not path.exists():
                chosen = np.random.default_rng(seed).choice(count, round(self.config.pilot_share * count), replace=False)
                starfile.write(blocks | {"particles": blocks["particles"].iloc[np.sort(chosen)]}, path)

    def maps(self, name: str, star: str = "particles", *overrides: str) -> Path:
        """-> the directory of a back-projection of one of the STAR files."""
        files = [f"data.path={self.folder}/data/{star}.star", f"reference={self.folder}/data/volume.mrc"]
        directory = self.folder / name
        backproject(compose("backproject", [*files, f"output_dir={directory}", *self.config.maps, *overrides]))
        return directory

    def design(self, name: str, pilot: Path, compression: float, curve: str = "unmasked") -> tuple[str, ...]:
        """-> overrides that choose the masks designed from this back-projection."""
        aims = [f"compression={compression}", f"fsc_floor={self.config.fsc_floor}", f"particles={self.config.particles}"]
        aims.append("poses=known")
        directory = self.folder / name
        source = [f"pilot.path={pilot}", f"pilot.curve={curve}", f"output_dir={directory}"]
        summary = design(compose("design", ["kind=masks", *source, *aims]))
        masks = OmegaConf.load(directory / "operator" / "masks" / "designed.yaml").keep_probability_per_shell
        profile = f"operator.masks.keep_probability_per_shell=[{','.join(map(str, masks))}]"
        return "operator/masks=variable_density", profile, f"compression={summary['compression']}"

    def masked(self, name: str, masks: tuple[str, ...], *, shared: bool = False) -> Path:
        """-> the directory of a back-projection of what these masks measure of all particles."""
        return self.maps(name, "particles", "operator=fourier", f"operator.per_particle={str(not shared).lower()}", *masks)

    def runs(self) -> list[tuple[str, float, int | None, Path]]:
        """-> kind of masks, compression, pilot and directory of each back-projection."""
        self.simulate()
        whole = self.maps("uncompressed")
        pilots = {seed: self.maps(f"pilot_{seed}", f"pilot_{seed}") for seed in self.config.pilots}
        first, deep = self.config.pilots[0], self.config.compression_in_depth
        found: list[tuple[str, float, int | None, Path]] = [("uncompressed", 1.0, None, whole)]
        for c in self.config.compressions:
            flat = ("operator/masks=uniform", f"compression={c}")
            found.append(("flat", c, None, self.masked(f"flat_{c}", flat)))
            for seed in pilots if c == deep else [first]:
                masks = self.design(f"design_{seed}_{c}", pilots[seed], c)
                found.append(("designed", c, seed, self.masked(f"designed_{seed}_{c}", masks)))
                if (c, seed) == (deep, first):
                    found.append(("designed, shared", c, seed, self.masked(f"shared_{seed}_{c}", masks, shared=True)))
            if c == deep:
                found.append(("flat, shared", c, None, self.masked(f"flat_shared_{c}", flat, shared=True)))
                masks = self.design(f"design_corrected_{c}", pilots[first], c, "corrected")
                found.append(("designed, corrected", c, first, self.masked(f"designed_corrected_{c}", masks)))
                masks = self.design(f"design_whole_{c}", whole, c)
                found.append(("designed from all", c, None, self.masked(f"designed_whole_{c}", masks)))
        return found


def main() -> None:
    """Make what is not there yet, and say what was found."""
    config = OmegaConf.merge(OmegaConf.load(HERE / "design.yaml"), OmegaConf.from_cli())
    assert isinstance(config, DictConfig)
    into = Path(config.results or HERE)
    rows = []
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        for name in config.only or config.densities:
            runs = Density(config, name).runs()
            rows += [finding(name, *run, runs[0][3], config.fsc_floor) for run in runs]
    table = pd.DataFrame(rows)
    table.to_csv(into / "design.csv", index=False, float_format="%.3f")
    text = markdown(table, config.compression_in_depth)
    (into / "design.md").write_text(text)
    draw(table, into / "design.png")
    print(text)


if __name__ == "__main__":
    main()
