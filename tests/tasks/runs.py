"""Finished runs on disk, made up: what a reconstruction leaves behind, without the reconstruction."""

from pathlib import Path

import numpy as np
import torch

from cryosense.files.writing import write_json_atomic
from cryosense.fourier import fourier_crop, fourier_pad
from cryosense.metrics import Scores
from cryosense.metrics.row_columns import SCHEMA
from cryosense.runs.rows import RowWriter

BOX, IMAGES = 32, 6
PIXEL = {"operator": "pixel", "masks": "random_binary", "block_size": 4, "symmetric": None, "compression_nominal": 2.0}
RADIAL = {"operator": "fourier", "masks": "radial", "block_size": None, "symmetric": True, "compression_nominal": 2.5}


def particles() -> tuple[torch.Tensor, torch.Tensor]:
    """Clean and noisy images, (b, 1, n, n)."""
    generator = torch.Generator().manual_seed(0)
    clean = 0.4 * fourier_pad(torch.randn(IMAGES, 1, BOX // 4, BOX // 4, generator=generator), BOX)
    return clean, clean + 0.25 * torch.randn(clean.shape, generator=generator)


def write_run(
    run_dir: Path, operator: dict, method: str, *, kept: int, weight: float | None = None, clean_known: bool = True
) -> Path:
    """A run whose 'reconstruction' is the noisy image, Fourier-cropped to ``kept`` pixels."""
    clean, noisy = particles()
    reconstruction = fourier_pad(fourier_crop(noisy, kept), BOX)
    summary = operator | {
        "run_id": run_dir.name, "data": "made_up", "compression_dof": 2.02, "noise_sigma": 0.0, "noise_placement": None,
        "reconstructor": method, "prior": method if weight else None, "weight": weight, "seed": 0,
    }  # fmt: skip
    scores = Scores(None)(reconstruction, noisy) | (Scores(None).against_clean(reconstruction, clean) if clean_known else {})
    writer = RowWriter(run_dir, SCHEMA)
    writer.append(0, summary | scores | {"particle": torch.arange(IMAGES), "seconds": 0.001})
    writer.finish()
    images = {"image": noisy, "reconstruction": reconstruction, "measurement": reconstruction[..., ::2, ::2]}
    images |= {"clean": clean} if clean_known else {}
    np.savez(run_dir / "example.npz", particle=np.int64(2), **{name: x[2, 0].float().numpy() for name, x in images.items()})
    write_json_atomic(run_dir / "summary.json", summary)
    write_json_atomic(run_dir / "done.json", {"run_id": run_dir.name})
    return run_dir


def write_sweep(directory: Path) -> None:
    """Two operators, three methods each; the pseudo-inverse keeps the most noise."""
    for name, operator in (("pixel", PIXEL), ("radial", RADIAL)):
        write_run(directory / f"{name}_tv", operator, "tv", kept=8, weight=0.01)
        write_run(directory / f"{name}_zero", operator, "zero_filled", kept=12)
        write_run(directory / f"{name}_pinv", operator, "pinv", kept=20)
