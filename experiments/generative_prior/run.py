"""Every run of the study, through the command line; what is done already is skipped. Then: analyse.py.

python experiments/generative_prior/run.py            # from the top of the checkout
"""

import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
DRY = "--dry" in sys.argv  # say what would be run


def reconstruct(*words: str) -> None:
    """Run ``cryosense reconstruct -m experiment=generative_prior <words>``."""
    command = [str(Path(sys.executable).with_name("cryosense")), "reconstruct", "-m", "experiment=generative_prior", *words]
    print("$ cryosense", shlex.join(command[1:]), flush=True)
    if not DRY:
        subprocess.run(command, check=True)


def posterior(operator: list[str], sweep: dict[str, Any], *more: str) -> None:
    """One sweep of samplers with the trained model and with its Gaussian control."""
    reconstruct(
        *operator,
        *more,
        "reconstructor=posterior",
        "denoiser=ddpm,gaussian",
        f"sampler={sweep['samplers']}",
        f"reconstructor.network_evaluations={sweep['evaluations']}",
        f"reconstructor.samples={sweep['samples']}",
    )


def main() -> None:
    """Run the study."""
    study = yaml.safe_load((HERE / "study.yaml").read_text())
    for name, sweeps in study["compared"].items():
        operator = study["operators"][name]
        reconstruct(*operator, *study["quarter"], f"reconstructor={study['baselines']}")
        for sweep in sweeps:
            posterior(operator, sweep, *sweep["part"])
    whole = study["all_particles"]
    for name in whole["operators"]:
        operator = [*study["operators"][name], "output_dir=outputs/generative_prior/all"]
        reconstruct(*operator, f"reconstructor={study['baselines']}")
        posterior(operator, whole)
        # The filter that knows how much of each shell is signal: what a score against the clean image can be made to be.
        towards = ["fitting.target=clean", "output_dir=outputs/generative_prior/towards_clean"]
        reconstruct(*study["operators"][name], *towards, "reconstructor=pinv,wiener")


if __name__ == "__main__":
    main()
