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


def simulated(config: DictConfig, name: str, seed: int) -> Path:
    """-> the folder of one molecule's particles, drawn with a seed, and of their uncompressed map."""
    folder = Path(config.output_dir).absolute() / f"{name} {seed}"
    words = [f"{key}={config[key]}" for key in ("box_size", "count", "snr")] + list(config.molecules[name])
    if not (folder / "data" / "done.json").exists():
        simulate(compose("simulate", [f"output_dir='{folder}/data'", f"seed={seed}", *words]))
    if not (folder / "uncompressed" / "done.json").exists():
        backproject(compose("backproject", [*_of_data(folder), f"output_dir='{folder}/uncompressed'"]))
    return folder


def _of_data(folder: Path) -> list[str]:
    return [f"data.path='{folder}/data/particles.star'", f"reference='{folder}/data/volume.mrc'"]


def mapped(config: DictConfig, folder: Path, method: str) -> Path:
    """-> the folder of a map of one molecule by one method."""
    directory = folder / re.sub(r"\W+", "_", f"{method} {version(config, method)}".strip())
    if (directory / "maps" / "done.json").exists():
        return directory / "maps"
    into = [f"output_dir='{directory}/maps'", f"cross_reference='{folder}/uncompressed'"]
    if method == MEASURED:
        backproject(compose("backproject", [*_of_data(folder), *config.masks, *into]))
        return directory / "maps"
    data = ["data=stack", f"data.path='{folder}/data/particles.star'", f"data.clean_path='{folder}/data/clean.star'"]
    words = list(config.methods[method])
    if method in OF_LEARNED:
        words.append(f"reconstructor.path={config.learned_path or 'null'}")
    if method == POSTERIOR:
        words.append(f"reconstructor.samples={config.samples}")
    fixed = ["scores.lpips=null", "draw_example=false", f"output_dir='{directory}'"]
    made = reconstruct(compose("reconstruct", [*data, *config.masks, *words, *fixed])).run_directory
    backproject(compose("backproject", [f"data.path='{made}/particles.star'", _of_data(folder)[1], *into]))
    for stack in made.glob("*.mrcs"):
        stack.unlink()
    shutil.rmtree(made / "masks", ignore_errors=True)
    return directory / "maps"


def finding(name: str, seed: int, method: str, directory: Path) -> dict[str, object]:
    """-> what a map is worth, in uncompressed particles as a share of all, and how it correlates with the truth."""
    summary, curves = json.loads((directory / "done.json").read_text()), pd.read_csv(directory / "fsc.csv")
    worth = {
        kind: None if value is None else value / summary["particles"]
        for kind, value in summary["equivalent_particles"].items()
    }
    shells = [len(curves) // 4, len(curves) // 2]
    truth = {f"to truth, shell {shell}": curves["to_reference"][shell] for shell in shells}
    return {"molecule": name, "seed": seed, "method": method, **worth, **truth}


def table(rows: pd.DataFrame) -> str:
    """-> Markdown; the values of all seeds beside each other."""
    numbers = [column for column in rows if column not in {"molecule", "seed", "method"}]
    lines = []
    for (name, method), of in rows.groupby(["molecule", "method"], sort=False):
        values = [", ".join("" if pd.isna(value) else f"{value:.2f}" for value in of[column]) for column in numbers]
        lines.append([name, method, ", ".join(map(str, of["seed"])), *values])
    return markdown(["molecule", "images by", "seeds", *numbers], lines, texts=3)


def main() -> None:
    """Make what is not there yet, and say what was found."""
    config = OmegaConf.merge(OmegaConf.load(HERE / "maps.yaml"), OmegaConf.from_cli())
    assert isinstance(config, DictConfig)
    rows = []
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        for name in config.only or config.molecules:
            for seed in config.seeds:
                folder = simulated(config, name, seed)
                rows += [finding(name, seed, method, mapped(config, folder, method)) for method in config.methods]
    found = pd.DataFrame(rows)
    folder = Path(config.results or HERE)
    folder.mkdir(parents=True, exist_ok=True)
    found.to_csv(folder / "maps.csv", index=False, float_format="%.4g")
    (folder / "maps.md").write_text(table(found) + "\n")
    print(table(found))


if __name__ == "__main__":
    main()
