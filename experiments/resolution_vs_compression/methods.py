"""FSC resolution of methods and masks against compression; see README.md. Writes methods.csv, methods.md and figures."""

from __future__ import annotations

import itertools
import json
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from design import Density
from hydra import compose, initialize_config_dir
from methods_figures import draw
from methods_findings import finding
from methods_tables import markdown
from omegaconf import DictConfig, OmegaConf

from cryosense.cli.backproject import backproject
from cryosense.cli.conf_dir import conf_dir
from cryosense.cli.reconstruct import reconstruct

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Cell:
    """One density through one mask family at one compression, by one method; masks shared by all particles or not."""

    density: str
    masks: str
    method: str
    compression: float
    shared: bool

    def name(self) -> str:
        """-> of its directory."""
        sharing = "shared" if self.shared else "own"
        return re.sub(r"[^\w.]+", "_", f"{self.masks}-C{self.compression:g}-{self.method}-{sharing}")


class Particles:
    """One simulated data set, and the cells that are made of it."""

    def __init__(self, config: DictConfig, name: str) -> None:
        self.density = Density(config, name)
        self.config, self.folder = self.density.config, self.density.folder
        self.density.simulate()
        self.uncompressed = self.density.maps("uncompressed")

    def masks(self, cell: Cell) -> list[str]:
        """-> overrides that choose a cell's masks."""
        chosen = self.config.masks[cell.masks]
        family = [*chosen, f"compression={cell.compression}"] if chosen is not None else self.designed(cell.compression)
        return [*family, f"operator.per_particle={str(not cell.shared).lower()}", f"seed={self.config.mask_seed}"]

    def designed(self, compression: float) -> list[str]:
        """-> overrides that choose masks designed from the pilot."""
        pilot = self.config.pilots[0]
        directory = self.density.maps(f"pilot_{pilot}", f"pilot_{pilot}")
        return ["operator=fourier", *self.density.design(f"design_{compression:g}", directory, compression)]

    def make(self, cell: Cell) -> Path:
        """Measure, reconstruct, back-project, unless that is done; images are not kept. -> the cell's directory."""
        directory, method = self.folder / cell.name(), self.config.methods[cell.method]
        masks, settings = self.masks(cell), list(self.config.maps)
        identity = json.dumps({"masks": masks, "method": method and list(method), "maps": settings})
        known = directory / "cell.json"
        if known.exists() and known.read_text() != identity:
            raise SystemExit(f"{known}: made with other settings than now; remove it to make it again")
        if (directory / "maps" / "done.json").exists():
            return directory
        directory.mkdir(exist_ok=True)
        known.write_text(identity)
        data = self.folder / "data"
        settings += [f"reference={data}/volume.mrc", f"cross_reference={self.uncompressed}", f"output_dir={directory}/maps"]
        if method is None:
            backproject(compose("backproject", [f"data.path={data}/particles.star", *masks, *settings]))
            return directory
        source = ["data=stack", f"data.path={data}/particles.star", f"data.clean_path={data}/clean.star"]
        fixed = ["scores.lpips=null", "draw_example=false", f"output_dir={directory}"]
        made = reconstruct(compose("reconstruct", [*source, *masks, *method, *fixed])).run_directory
        backproject(compose("backproject", [f"data.path={made}/particles.star", *settings]))
        for stack in made.glob("*.mrcs"):
            stack.unlink()
        shutil.rmtree(made / "masks", ignore_errors=True)
        return directory


def cells(config: DictConfig) -> Iterator[Cell]:
    """-> every cell of the configuration, each once, in its order."""
    seen = set()
    for line in config.cells:
        lists = (line.densities, line.masks, line.methods, line.compressions)
        for density, masks, method, compression in itertools.product(*lists):
            cell = Cell(density, masks, method, float(compression), bool(line.get("shared", False)))
            if cell not in seen:
                seen.add(cell)
                yield cell


def with_nominal(table: pd.DataFrame) -> pd.DataFrame:
    """-> the same, nominal compression also where no images were made: that of the same masks where they were."""
    same = table.groupby(["masks", "compression"])["compression_nominal"].transform("first")
    return table.assign(compression_nominal=same.fillna(table["compression"]))


def main() -> None:
    """Make what is not there yet, and say what was found."""
    config = OmegaConf.merge(OmegaConf.load(HERE / "methods.yaml"), OmegaConf.from_cli())
    assert isinstance(config, DictConfig)
    into = Path(config.results or HERE)
    known: dict[str, Particles] = {}
    rows: list[dict[str, object]] = []
    start = time.monotonic()
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        for cell in cells(config):
            if cell.density not in known:
                known[cell.density] = Particles(config, cell.density)
            particles = known[cell.density]
            late = config.minutes is not None and time.monotonic() - start > 60 * config.minutes
            if late and not (particles.folder / cell.name() / "maps" / "done.json").exists():
                continue
            rows.append(finding(cell, particles.make(cell), particles.uncompressed))
    table = with_nominal(pd.DataFrame(rows))
    table.to_csv(into / "methods.csv", index=False, float_format="%.4g")
    text = markdown(table)
    (into / "methods.md").write_text(text)
    draw(table, into)
    print(text)


if __name__ == "__main__":
    main()
