"""What a run keeps beside its rows: its configuration, its masks, one example."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from torch import Tensor

from cryosense.operators import LinearOperator
from cryosense.results.records.rows import written_whole

SHARDS = "shards"


class RunDirectoryError(ValueError):
    """A directory that belongs to another run."""


def open_run(directory: Path, config: str, fingerprint: str) -> None:
    """Make the run's directory and write ``config.yaml`` and ``data.txt`` first of all, or see that they are the same.

    Raises:
        RunDirectoryError: the directory is of another configuration, or was begun on other images.
    """
    for name, text, what in (
        ("config.yaml", config, "another configuration: choose another output_dir"),
        ("data.txt", fingerprint + "\n", "other images under the same path: choose another output_dir, or remove it"),
    ):
        path = directory / name
        if path.is_file():
            if path.read_text() != text:
                raise RunDirectoryError(f"{directory} holds a run of {what} ({name} differs)")
            continue
        directory.mkdir(parents=True, exist_ok=True)
        with written_whole(path) as unfinished:
            unfinished.write_text(text)


def shard_directory(directory: Path, index: int, count: int) -> Path:
    """-> where one of ``count`` shards of the run in ``directory`` is made."""
    return directory / SHARDS / f"{index:05d}_of_{count:05d}"


def write_masks(directory: Path, operator: LinearOperator, start: int, per_particle: bool) -> None:
    """Keep the masks: ``masks.npz`` for all particles, or ``masks/<first position>.npz`` for each portion of them.

    Masks of zeros and ones are packed to bits: ``np.unpackbits(packed)[: shape.prod()].reshape(shape)``; others are stored as
    ``values``.
    """
    path = directory / "masks" / f"{start:09d}.npz" if per_particle else directory / "masks.npz"
    if path.is_file():
        return
    path.parent.mkdir(exist_ok=True)
    masks = operator.masks.cpu().numpy()
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
    """(n, n) each, ``measurement`` (h, w): keep one particle as it was, was measured and was reconstructed."""
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
