"""Every run of the study, through the command line; what is done already is skipped. Then: analyse.py.

python experiments/real_particle/run.py            # from the top of the checkout, about 40 minutes on one core
"""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import torch
import yaml

from cryosense import fourier
from cryosense.data import ParticleStack

HERE = Path(__file__).parent
DRY = "--dry" in sys.argv  # say what would be run
OUTPUTS = Path("outputs/real_particle")
REFERENCE = Path(os.environ.get("CRYOSENSE_REFERENCE_DATA", "../shared/data"))
PRIORS = "reconstructor=dct,wavelet,tv"
CONTROL_OPERATORS = (
    "Fourier uniform p = 0.5, paper's masks",
    "pixel K = 2, b = 2",
    "pixel K = 4, b = 8",
    "pixel K = 16, b = 205",
)


def reconstruct(*words: str) -> None:
    """Run ``cryosense reconstruct -m experiment=real_particle <words>``."""
    command = [str(Path(sys.executable).with_name("cryosense")), "reconstruct", "-m", "experiment=real_particle", *words]
    print("$ cryosense", shlex.join(command[1:]), flush=True)
    if not DRY:
        subprocess.run(command, check=True)


def particle() -> torch.Tensor:
    """-> (n, n) float64: the particle in [0, 1]."""
    return ParticleStack.open(REFERENCE / "real" / "empiar10076_particle_128.pt")[0][0].double()


def surrogates(image: torch.Tensor, count: int) -> torch.Tensor:
    """(n, n) -> (count, n, n): Gaussian images with the mean and the radial power spectrum of the image, no more."""
    spectrum = fourier.rotational_mean(fourier.fftn(image - image.mean()).abs() ** 2)
    white = torch.randn(count, *image.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    return fourier.ifftn(fourier.fftn(white) * spectrum.sqrt()).real + image.mean()


def clean_projections() -> torch.Tensor:
    """-> (2, 128, 128) in [0, 1]: GroEL (EMD-1997), top and side view, without noise and without CTF."""
    volume = ParticleStack.open(REFERENCE / "real" / "emd_1997_groel.map")[:][:, 0].double().clamp_min(0)
    views = torch.stack([volume.sum(0), volume.sum(1)])
    border = (128 - views.shape[-1]) // 2
    views = torch.nn.functional.pad(views, (border,) * 4)
    return views / views.amax((1, 2), keepdim=True)


def write_controls() -> dict[str, Path]:
    """Write the control images. -> their paths by name."""
    paths = {name: OUTPUTS / f"{name}.npy" for name in ("surrogate", "clean")}
    if DRY:
        return paths
    OUTPUTS.mkdir(parents=True, exist_ok=True)
    controls = {"surrogate": surrogates(particle(), 4), "clean": clean_projections()}
    for name, images in controls.items():
        np.save(paths[name], images.float().numpy())
    return paths


def main() -> None:
    """Run the study."""
    operators = yaml.safe_load((HERE / "operators.yaml").read_text())
    for operator in operators:
        reconstruct(*operator["overrides"])
    controls = write_controls()
    for operator in operators:
        if operator["name"] in CONTROL_OPERATORS:
            for name, path in controls.items():
                words = [f"data.path={path}", f"data.name={name}", f"output_dir={OUTPUTS}/controls"]
                reconstruct(*operator["overrides"], *words, "seed=0", "reconstructor=pinv,wiener,dct,wavelet,tv")
    # Where a prior's answer at a small weight lies, and not where it started: a gap a hundred times smaller.
    tight = ["method.tolerance=1e-6", "method.max_iterations=20000", "fitting.relative_weights=[0.0001,0.003,0.03]"]
    for operator in operators:
        if operator["name"] in CONTROL_OPERATORS[:2]:
            reconstruct(*operator["overrides"], *tight, f"output_dir={OUTPUTS}/converged", "seed=0", PRIORS)
    # As in the paper: the weight that LPIPS likes best; on two mask draws.
    for operator in operators:
        words = [f"output_dir={OUTPUTS}/chosen_by_lpips", "fitting.score=lpips", "seed=0,1", PRIORS]
        reconstruct(*operator["overrides"], *words)


if __name__ == "__main__":
    main()
