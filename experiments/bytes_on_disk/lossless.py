"""What numbers take without loss: noisy floats, and counts, which a detector could store, beside the filters of detectors.

python experiments/bytes_on_disk/lossless.py [count=50 results=FOLDER]

Writes lossless.md beside this file, or into the folder of ``results``.
Bitshuffle with zstd is measured where hdf5plugin is installed.
"""

from __future__ import annotations

import os
from pathlib import Path

import h5py
import numpy as np
import torch
from omegaconf import OmegaConf

from cryosense.data import ParticleStack
from cryosense.measurement import Full
from cryosense.measurement.quantisers import Float16, Float32, StoredQuantiser

HERE = Path(__file__).parent
STACKS = Path(os.environ.get("CRYOSENSE_REFERENCE_DATA", "../shared/data")) / "real" / "stacks"
CHOSEN = {"count": 50, "results": str(HERE)}  # images of each made set; the folder that is written to
BOX = 128


def main() -> None:
    chosen = OmegaConf.merge(CHOSEN, OmegaConf.from_cli())
    lines = ["| particles | float32 | float16 | bitshuffle, zstd: float32 | float16 | entropy |", "|---|---|---|---|---|---|"]
    for label, images in sets(chosen.count).items():
        bits = [f"{coded(quantiser, images):.2f}" for quantiser in (Float32(coded=True), Float16(coded=True))]
        bits += [filtered(images.numpy().astype(kind)) for kind in ("<f4", "<f2")]
        lines.append(f"| {label} | {' | '.join(bits)} | {entropy(images)} |")
    text = "Bits a pixel without loss; of float16, of the halves.\n\n" + "\n".join(lines)
    into = Path(chosen.results)
    into.mkdir(parents=True, exist_ok=True)
    (into / "lossless.md").write_text(text + "\n")
    print(text)


def sets(count: int) -> dict[str, torch.Tensor]:
    """-> (b, 1, n, n) float32 images by name."""
    random = np.random.default_rng(0)
    counts = {dose: random.poisson(dose, (count, 1, BOX, BOX)).astype(np.float32) for dose in (1, 10, 40)}
    made = {"normal noise": torch.from_numpy(random.standard_normal((count, 1, BOX, BOX), np.float32))}
    made |= {f"counts, {dose} electrons a pixel": torch.from_numpy(images) for dose, images in counts.items()}
    for name in ("empiar_10076_7.star", "relion31.star", "sample_particles_relion31.star"):
        if (STACKS / name).is_file():
            made[name.removesuffix(".star")] = ParticleStack.open(STACKS / name)[:]
    return made


def coded(quantiser: StoredQuantiser, images: torch.Tensor) -> float:
    """-> bits a pixel."""
    numbers = torch.arange(len(images))
    operator = Full("pixel").operator(images.shape[-1], numbers)
    y = operator(images)
    quantiser.fit(y, operator, numbers)
    return 8 * float(np.mean([len(each) for each in quantiser.encode(y, operator, numbers)])) / images[0].numel()


def filtered(images: np.ndarray) -> str:
    """-> bits a pixel, nothing where the filter is not installed."""
    try:
        import hdf5plugin
    except ImportError:
        return ""
    with h5py.File("memory", "w", driver="core", backing_store=False) as file:
        data = file.create_dataset("images", data=images, chunks=(1, *images.shape[1:]), **hdf5plugin.Bitshuffle(cname="zstd"))
        return f"{8 * data.id.get_storage_size() / images.size:.2f}"


def entropy(images: torch.Tensor) -> str:
    """-> of counts, in bits."""
    values, times = np.unique(images.numpy(), return_counts=True)
    shares = times / times.sum()
    return f"{-(shares * np.log2(shares)).sum():.2f}" if np.array_equal(values, np.round(values)) else ""


if __name__ == "__main__":
    main()
