"""Every model and every run of the study, through the command line; what is done already is skipped. Then: analyse.py.

python experiments/unrolled/run.py            # from the top of the checkout; two hours and a half on one core
"""

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

HERE = Path(__file__).parent
DRY = "--dry" in sys.argv  # say what would be run
OUT = Path("outputs/unrolled")
REFERENCE = Path(os.environ.get("CRYOSENSE_REFERENCE_DATA", "../shared/data"))


def cryosense(*words: str) -> None:
    """Run one verb."""
    print("$ cryosense", shlex.join(words), flush=True)
    if not DRY:
        subprocess.run([str(Path(sys.executable).with_name("cryosense")), *words], check=True)


def data(directory: Path, overrides: list[str]) -> list[str]:
    """-> the words for simulated particles."""
    return [f"data.directory={directory}", f"data.overrides={json.dumps(overrides)}"]


def train(name: str, words: list[str], particles: list[str]) -> None:
    """Train one model."""
    if (OUT / "models" / name / "model").is_dir():
        return
    small = ["training.validation_images=128", "training.validate_every=250", "training.checkpoint_every=250"]
    cryosense(
        "train", "model=unrolled", *words, *data(OUT / "train", particles), *small, f"output_dir={OUT / 'models' / name}"
    )


def foreign(name: str) -> Path:
    """-> a copy of a model that says it was trained for pixel masks, which it was not."""
    folder = OUT / "foreign" / name
    if not folder.is_dir() and not DRY:
        shutil.copytree(OUT / "models" / name / "model", folder)
        description = json.loads((folder / "solver.json").read_text())
        (folder / "solver.json").write_text(json.dumps(description | {"operator": "PixelMasking"}))
    return folder


def chosen_weight(folder: Path, prior: str) -> float:
    """-> the weight that was chosen for a prior among the runs of a folder."""
    if DRY:
        return 0.1
    for path in folder.glob(f"*-{prior}-*/rows.parquet"):
        return float(pd.read_parquet(path)["weight"].iloc[0])
    raise FileNotFoundError(f"{folder}: no run of {prior}")


def score(cell: dict[str, Any], name: str, study: dict[str, Any]) -> None:
    """Baselines, models, and where they are asked for sparse solvers stopped early, on one operator."""
    particles, directory = list(study["particles"]["test"]), OUT / "test"
    if "density" in cell:
        particles += ["density=map", f"density.path={(REFERENCE / 'real' / cell['density']).resolve()}"]
        directory = OUT / "test_groel"
    folder = OUT / "runs" / name.replace(",", "").replace(" ", "").replace("=", "")
    words = ["reconstruct", "-m", "experiment=unrolled", *cell["words"], *data(directory, particles)]
    main, curves = [*words, f"output_dir={folder}"], [*words, f"output_dir={folder}_curves"]
    cryosense(*main, f"reconstructor={cell.get('baselines', study['baselines'])}")
    paths = [OUT / "models" / model / "model" for model in cell["models"]] + [foreign(m) for m in cell.get("foreign", [])]
    cryosense(*main, "reconstructor=unrolled", "reconstructor.path=" + ",".join(map(str, paths)))
    if cell.get("curves"):
        sweep = study["curves"]
        for prior in sweep["priors"].split(","):
            weight = f"reconstructor.weight={chosen_weight(folder, prior)}"
            stops = f"method.max_iterations={sweep['iterations']}"
            cryosense(*curves, f"reconstructor={prior}", weight, f"method={sweep['methods']}", stops)


def main() -> None:
    """Run the study."""
    study = yaml.safe_load((HERE / "study.yaml").read_text())
    for name, words in study["models"].items():
        flat = [word for part in words for word in (part if isinstance(part, list) else [part])]
        train(name, flat, study["particles"]["train"])
    for name, cell in study["cells"].items():
        score(cell, name, study)


if __name__ == "__main__":
    main()
