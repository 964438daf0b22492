"""Every run of the study, through the command line; what is done already is skipped. Then: analyse.py.

python experiments/paper/run.py                                # from the top of the checkout
python experiments/paper/run.py 'only=[clean,real]' dry=true   # what would be run for these
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

HERE = Path(__file__).parent
REFERENCE = Path(os.environ.get("CRYOSENSE_REFERENCE_DATA", "../shared/data"))


def flat(words: list[Any]) -> Iterator[str]:
    """-> words of nested lists, in their order."""
    for word in words:
        if isinstance(word, list):
            yield from flat(word)
        else:
            yield word


def lpips() -> list[str]:
    """-> the word that names AlexNet's weights, where they are among the reference data; else torchvision loads its own."""
    path = (REFERENCE / "lpips" / "alexnet_features.npz").resolve()
    return [f"scores.lpips.weights_path={path}"] if path.is_file() else []


def main() -> None:
    """Run what is asked for; end with status 1 if a cell failed, after all sweeps."""
    study = OmegaConf.to_container(OmegaConf.merge(OmegaConf.load(HERE / "study.yaml"), OmegaConf.from_cli()))
    assert isinstance(study, dict)
    unknown = sorted(set(study["only"]) - set(study["sets"]))
    if unknown:
        raise SystemExit(f"only={unknown}: the sets are {', '.join(study['sets'])}")
    failed = []
    for name in study["only"] or study["sets"]:
        for sweep in study["sets"][name]:
            words = [*flat(sweep), f"output_dir={study['output_dir']}/{name}", f"hydra/launcher={study['launcher']}", *lpips()]
            print("$ cryosense", shlex.join(["reconstruct", "-m", *words]), flush=True)
            if not study["dry"]:
                command = [str(Path(sys.executable).with_name("cryosense")), "reconstruct", "-m", *words]
                failed += [name] * bool(subprocess.run(command, check=False).returncode)
    if failed:
        raise SystemExit(f"cells failed in {', '.join(dict.fromkeys(failed))}: cryosense collect lists them")


if __name__ == "__main__":
    main()
