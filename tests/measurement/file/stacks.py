"""A stack of many small particles with poses and CTF."""

from pathlib import Path

import pandas as pd
import torch

from cryosense.data import StackWriter, write_star
from tests.tasks.stacks import BOX, PIXEL, optics_table, particle_table


def write_many(folder: Path, count: int) -> Path:
    """-> the STAR file of ``count`` images of coloured noise with a few wide blobs."""
    images = torch.randn(count, 1, BOX, BOX, generator=torch.Generator().manual_seed(1))
    images += torch.nn.functional.avg_pool2d(images, 5, 1, 2) * 8
    path = folder / "particles.mrcs"
    with StackWriter(path, count, BOX, PIXEL) as writer:
        writer.write(0, images)
        writer.finish()
    star, table = path.with_suffix(".star"), particle_table(count)
    table["rlnRandomSubset"] = [1 + i % 2 for i in range(count)]
    write_star(star, path, pd.DataFrame(table), optics_table(), box_size=BOX, pixel_size_angstrom=PIXEL)
    return star
