"""What a measurement file takes beside its levels: 1,000 particles of 128 px at half a bit a pixel, part by part.

python experiments/bytes_on_disk/overhead.py [--star particles.star] [--count 1000] [--results FOLDER]

Writes overhead.md beside this file, or into the folder given.
Without a stack, one is simulated: its poses have sixteen digits, RELION's six decimals.
Beside what the table of a simulated stack takes stands its entropy: what was drawn, and no coder can leave out.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import numpy as np
from run import run
from schemes import step_of

from cryosense.data import ParticleStack
from cryosense.measurement.file import MeasurementFile
from cryosense.measurement.file.container import open_container

HERE, OUTPUT = Path(__file__).parent, Path("outputs/bytes_on_disk/overhead")
SMALL = ("description", "std", "values", "models", "checksums")
BITS = 0.5
RANDOM_BITS = 53  # of a number that is uniform in double precision
# Of the simulation: deviations of origins and of a particle's height in the ice, normal, in Angstrom.
ORIGIN, HEIGHT = 5.0, 200.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--star", type=Path, default=None)
    parser.add_argument("--count", type=int, default=1000, help="particles that are simulated where no stack is given")
    parser.add_argument("--results", type=Path, default=HERE)
    chosen = parser.parse_args()
    star, simulated = chosen.star, OUTPUT / "data" / "particles.star"
    if star is None:
        run("simulate", f"output_dir={simulated.parent}", f"count={chosen.count}", "box_size=128", "pixel_size_angstrom=1.75")
    lines = [
        "| particle table | levels, bytes each | table | its entropy | lengths | quantiser, checksums, text | HDF5 "
        "| beside the levels | were the table its entropy |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for label, decimals in (("word for word", None), ("6 decimals", 6), ("3 decimals", 3)):
        name = "null" if decimals is None else str(decimals)
        path = OUTPUT / f"decimals_{name}.cryo.h5"
        words = ("quantiser=uniform", f"quantiser.step={step_of(BITS)}", f"table_decimals={name}")
        run("measure", *words, str(star or simulated), f"output={path}")
        container, count = open_container(path), len(MeasurementFile.open(path))
        size = {name: entry.count * entry.dtype.itemsize for name, entry in container.entries.items()}
        least = float("nan") if star else entropy_bits(ParticleStack.open(simulated), decimals) / 8
        parts = [size["levels"] / count, size["star"] / count, least, size.get("lengths", 0) / count]
        parts += [sum(size[name] for name in SMALL) / count, (container.size - sum(size.values())) / count]
        whole = container.size / count
        shares = [1 - parts[0] / each for each in (whole, whole - parts[1] + least)]
        cells = [f"{part:.2f}" for part in parts] + [f"{share:.2%}" for share in shares]
        lines.append(f"| {label} | {' | '.join(cells)} |")
    text = f"{count:,} particles of 128 px, 0.5 bits a pixel.\n\n" + "\n".join(lines)
    (chosen.results / "overhead.md").write_text(text + "\n")
    print(text)


def entropy_bits(stack: ParticleStack, decimals: int | None) -> float:
    """-> bits of what is drawn for a particle: three angles, an origin and a height; those of a micrograph are not counted.

    A number with a density of differential entropy h, written on a grid of spacing d, has the entropy h - log2 d. Origins and
    defoci are of single precision, with fewer decimals they lie on the coarser grid.
    """
    tilt = math.log2(360 / math.pi) - (1 - math.log2(math.e))  # of density sin(tilt) / 2: E log2 sin = 1 - log2 e
    angles = [math.log2(360), tilt, math.log2(360)]
    bits = [RANDOM_BITS if decimals is None else h + decimals * math.log2(10) for h in angles]
    for column, deviation in (("rlnOriginXAngst", ORIGIN), ("rlnOriginYAngst", ORIGIN), ("rlnDefocusU", HEIGHT)):
        h = math.log2(deviation * math.sqrt(2 * math.pi * math.e))
        spacing = np.spacing(np.abs(stack.metadata[column].to_numpy(np.float32)))
        bits.append(h - float(np.log2(np.maximum(spacing, 0 if decimals is None else 10.0**-decimals)).mean()))
    return sum(bits)


if __name__ == "__main__":
    main()
