"""What a reconstruction keeps besides its rows and images: its masks and one example."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from torch import Tensor

from cryosense.files.writing import written_whole
from cryosense.operators import LinearOperator


def write_masks(directory: Path, operator: LinearOperator, start: int, per_particle: bool) -> None:
    """Write what was drawn: ``masks.npz`` for all particles, or ``masks/<first position>.npz`` for each portion of them.

    Masks of zeros and ones are packed to bits: ``np.unpackbits(packed)[: shape.prod()].reshape(shape)``; others are stored as
    ``values``. For an operator without masks, the tensors that define it are stored under their own names.
    """
    path = directory / "masks" / f"{start:09d}.npz" if per_particle else directory / "masks.npz"
    if path.is_file() and not per_particle:
        return
    path.parent.mkdir(exist_ok=True)
    arrays = {name: values.cpu().numpy() for name, values in operator.drawn().items()}
    if set(arrays) == {"masks"}:
        masks = arrays.pop("masks")
        binary = bool(np.isin(masks, (0, 1)).all())
        arrays = {"packed": np.packbits(masks.astype(bool)), "shape": np.array(masks.shape)} if binary else {"values": masks}
    with written_whole(path) as unfinished, unfinished.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


def write_example(
    directory: Path,
    particle: int,
    image: Tensor,
    clean: Tensor | None,
    measurement: Tensor,
    reconstruction: Tensor,
    deviation: Tensor | None,
) -> None:
    """Write one particle as it was, was measured and was reconstructed: (n, n) each, ``measurement`` (h, w)."""
    known = {
        "image": image,
        "clean": clean,
        "measurement": measurement,
        "reconstruction": reconstruction,
        "deviation": deviation,
    }
    arrays = {name: array for name, array in known.items() if array is not None}
    with written_whole(directory / "example.npz") as unfinished, unfinished.open("wb") as file:
        np.savez_compressed(
            file,
            allow_pickle=False,
            particle=np.array(particle),
            **{name: array.cpu().numpy().astype(np.float32) for name, array in arrays.items()},
        )
