"""What a measurement file takes beside its levels: 1,000 particles of 128 px at half a bit a pixel, part by part.

python experiments/bytes_on_disk/overhead.py [--star particles.star] [--count 1000] [--results FOLDER]

Writes overhead.md beside this file, or into the folder given.
Without a stack, one is simulated: its poses have sixteen digits, RELION's six decimals.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from run import run
from schemes import step_of

from cryosense.measurement.file import MeasurementFile
from cryosense.measurement.file.container import open_container

HERE, OUTPUT = Path(__file__).parent, Path("outputs/bytes_on_disk/overhead")
SMALL = ("description", "std", "values", "models", "checksums")
BITS = 0.5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--star", type=Path, default=None)
    parser.add_argument("--count", type=int, default=1000, help="particles that are simulated where no stack is given")
    parser.add_argument("--results", type=Path, default=HERE)
    chosen = parser.parse_args()
    star = chosen.star
    if star is None:
        star = OUTPUT / "data" / "particles.star"
        run("simulate", f"output_dir={star.parent}", f"count={chosen.count}", "box_size=128", "pixel_size_angstrom=1.75")
    lines = [
        "| particle table | levels, bytes each | table | lengths | quantiser, checksums, text | HDF5 | beside the levels |",
        "|---|---|---|---|---|---|---|",
    ]
    for label, decimals in (("word for word", "null"), ("6 decimals", "6"), ("3 decimals", "3")):
        path = OUTPUT / f"decimals_{decimals}.cryo.h5"
        words = ("quantiser=uniform", f"quantiser.step={step_of(BITS)}", f"table_decimals={decimals}")
        run("measure", *words, str(star), f"output={path}")
        container, count = open_container(path), len(MeasurementFile.open(path))
        size = {name: entry.count * entry.dtype.itemsize for name, entry in container.entries.items()}
        parts = [size["levels"], size["star"], size.get("lengths", 0), sum(size[name] for name in SMALL)]
        parts.append(container.size - sum(size.values()))
        share = 1 - size["levels"] / container.size
        lines.append(f"| {label} | {' | '.join(f'{part / count:.2f}' for part in parts)} | {share:.2%} |")
    text = f"{count:,} particles of 128 px, 0.5 bits a pixel.\n\n" + "\n".join(lines)
    (chosen.results / "overhead.md").write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
