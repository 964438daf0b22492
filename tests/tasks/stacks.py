"""A small stack with poses and CTF on disk, and tables of it with something wrong."""

from pathlib import Path

import pandas as pd
import starfile
import torch

from cryosense.data import StackWriter, write_star

BOX, PIXEL, COUNT = 16, 4.0, 30


def particle_table(count: int = COUNT) -> pd.DataFrame:
    drawn = torch.rand(count, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64).numpy()
    return pd.DataFrame(
        {
            "rlnOpticsGroup": [1 + i % 2 for i in range(count)],
            "rlnAngleRot": 360 * drawn[:, 0],
            "rlnAngleTilt": 180 * drawn[:, 1],
            "rlnAnglePsi": 360 * drawn[:, 2],
            "rlnOriginXAngst": 4 * drawn[:, 3],
            "rlnOriginYAngst": -4 * drawn[:, 4],
            "rlnDefocusU": 9000 + 5000 * drawn[:, 0],
            "rlnDefocusV": 8800 + 5000 * drawn[:, 0],
            "rlnDefocusAngle": 90 * drawn[:, 1],
            "rlnRandomSubset": [1 if i < count // 3 else 2 for i in range(count)],
        }
    )


def optics_table() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "rlnOpticsGroup": [1, 2],
            "rlnOpticsGroupName": ["a", "b"],
            "rlnVoltage": [300.0, 200.0],
            "rlnSphericalAberration": [2.7, 2.0],
            "rlnAmplitudeContrast": [0.1, 0.07],
            "rlnImagePixelSize": [PIXEL, PIXEL],
            "rlnImageSize": [BOX, BOX],
        }
    )


def write_stack(folder: Path) -> Path:
    """-> the STAR file of COUNT images of noise."""
    images = torch.randn(COUNT, 1, BOX, BOX, generator=torch.Generator().manual_seed(1))
    path = folder / "particles.mrcs"
    with StackWriter(path, COUNT, BOX, PIXEL) as writer:
        writer.write(0, images)
        writer.finish()
    star = path.with_suffix(".star")
    write_star(star, path, particle_table(), optics_table(), box_size=BOX, pixel_size_angstrom=PIXEL)
    return star


def change(star: Path, particles: dict[str, object], drop: tuple[str, ...] = (), drop_optics: tuple[str, ...] = ()) -> Path:
    """-> a copy of a STAR file with other columns."""
    blocks = starfile.read(star, always_dict=True)
    blocks["particles"] = blocks["particles"].assign(**particles).drop(columns=list(drop))
    blocks["optics"] = blocks["optics"].drop(columns=list(drop_optics))
    changed = star.with_name("changed.star")
    starfile.write(blocks, changed, overwrite=True)
    return changed
