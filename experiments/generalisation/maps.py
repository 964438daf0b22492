"""Maps of learned images beside those of pseudo-inverses and of the measurements themselves; see README.md.

Writes maps.csv and maps.md beside this file, or into the folder of ``results``. What is on disk already is not made again.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pandas as pd
from analyse import markdown
from hydra import compose, initialize_config_dir
from methods import OF_LEARNED, POSTERIOR, version
from omegaconf import DictConfig, OmegaConf

from cryosense.cli.backproject import backproject
from cryosense.cli.conf_dir import conf_dir
from cryosense.cli.reconstruct import reconstruct
from cryosense.cli.simulate import simulate

HERE = Path(__file__).parent
MEASURED = "mask-aware"  # of which no images are made


def simulated(config: DictConfig, name: str) -> tuple[Path, Path]:
    """-> the folder of one molecule's particles, and that of its uncompressed map."""
    folder = Path(config.output_dir).absolute() / name
    words = [f"{key}={config[key]}" for key in ("box_size", "count", "snr", "seed")] + list(config.molecules[name])
    simulate(compose("simulate", [f"output_dir={folder}/data", *words]))
    backproject(compose("backproject", [*_of_data(folder), f"output_dir={folder}/uncompressed"]))
    return folder / "data", folder / "uncompressed"


def _of_data(folder: Path) -> list[str]:
    return [f"data.path={folder}/data/particles.star", f"reference={folder}/data/volume.mrc"]


def mapped(config: DictConfig, name: str, method: str, uncompressed: Path) -> Path:
    """-> the folder of a map of one molecule by one method."""
    folder = Path(config.output_dir).absolute() / name
    directory = folder / re.sub(r"\W+", "_", f"{method} {version(config, method)}".strip())
    if (directory / "maps" / "done.json").exists():
        return directory / "maps"
    into = [f"output_dir={directory}/maps", f"cross_reference={uncompressed}"]
    if method == MEASURED:
        backproject(compose("backproject", [*_of_data(folder), *config.masks, *into]))
        return directory / "maps"
    data = ["data=stack", f"data.path={folder}/data/particles.star", f"data.clean_path={folder}/data/clean.star"]
    words = list(config.methods[method])
    if method in OF_LEARNED:
        words.append(f"reconstructor.path={config.learned_path or 'null'}")
    if method == POSTERIOR:
        words.append(f"reconstructor.samples={config.samples}")
    fixed = ["scores.lpips=null", "draw_example=false", f"output_dir={directory}"]
    made = reconstruct(compose("reconstruct", [*data, *config.masks, *words, *fixed])).run_directory
    backproject(compose("backproject", [f"data.path={made}/particles.star", _of_data(folder)[1], *into]))
    for stack in made.glob("*.mrcs"):
        stack.unlink()
    shutil.rmtree(made / "masks", ignore_errors=True)
    return directory / "maps"


def finding(name: str, method: str, directory: Path) -> dict[str, object]:
    """-> what a map is worth, in uncompressed particles as a share of all, and how it correlates with the truth."""
    summary, curves = json.loads((directory / "done.json").read_text()), pd.read_csv(directory / "fsc.csv")
    worth = {
        kind: None if value is None else value / summary["particles"]
        for kind, value in summary["equivalent_particles"].items()
    }
    shells = [len(curves) // 4, len(curves) // 2]
    truth = {f"to truth, shell {shell}": curves["to_reference"][shell] for shell in shells}
    return {"molecule": name, "method": method, **worth, **truth}


def table(rows: pd.DataFrame) -> str:
    """-> Markdown."""
    numbers = [column for column in rows if column not in {"molecule", "method"}]
    lines = [
        [row["molecule"], row["method"], *("" if pd.isna(row[column]) else f"{row[column]:.2f}" for column in numbers)]
        for _, row in rows.iterrows()
    ]
    return markdown(["molecule", "images by", *numbers], lines, texts=2)


def main() -> None:
    """Make what is not there yet, and say what was found."""
    config = OmegaConf.merge(OmegaConf.load(HERE / "maps.yaml"), OmegaConf.from_cli())
    assert isinstance(config, DictConfig)
    rows = []
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        for name in config.only or config.molecules:
            _, uncompressed = simulated(config, name)
            for method in config.methods:
                rows.append(finding(name, method, mapped(config, name, method, uncompressed)))
    found = pd.DataFrame(rows)
    folder = Path(config.results or HERE)
    folder.mkdir(parents=True, exist_ok=True)
    found.to_csv(folder / "maps.csv", index=False, float_format="%.4g")
    (folder / "maps.md").write_text(table(found) + "\n")
    print(table(found))


if __name__ == "__main__":
    main()
