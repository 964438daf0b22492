"""Why do signs keep another share of the particles than their moments predict? One cause after the other is taken away.

python experiments/bytes_on_disk/isolate.py [--data molecule] [--count 2000] [--seeds 0] [--first 3]

Takes the particles and the uncompressed maps that run.py made. Writes isolate_<data>.md beside this file.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import torch
from efficiency import Truth, efficiency_table, predicted_worth
from intervals import curves, half_width, products, worth
from run import DATA, OUTPUT, resolved
from tables import table
from torch import Tensor

from cryosense import fourier
from cryosense.data import ParticleStack, StackStatistics
from cryosense.measurement import FIRST_PORTION, Full, acquire, calibrate
from cryosense.measurement.quantisers import Sign
from cryosense.tasks.maps.alignments import Alignments
from cryosense.tasks.maps.files import write_volume
from cryosense.volumes.backproject import SliceAccumulator, Slices

HERE = Path(__file__).parent
CHUNK, REGULARISATION = 32, 1e-3
BANDS = {f"measured over predicted, shells {a} to {b}": slice(a - 1, b) for a, b in ((1, 4), (5, 7), (8, 12), (13, 20))}
Alter = Callable[[Tensor, Tensor], Tensor]  # scaled images (b, 1, n, n), particle numbers (b,) -> images


def variants(quantiser: Sign, gains: Tensor) -> dict[str, Alter]:
    """-> what becomes of images, by name; the quantiser is fitted, ``gains`` (n // 2 + 1,) are those of a shell's signal."""
    design, n = Full(), 2 * len(gains) - 2
    plane = gains[fourier.shell_index(n).clamp_max(n // 2)]

    def quantised(images: Tensor, numbers: Tensor) -> Tensor:
        made = acquire(images, numbers, design, quantiser=quantiser)
        return made.operator.pinv(made.y)

    def with_noise(images: Tensor, numbers: Tensor) -> Tensor:
        operator = design.operator(n, numbers)
        added = quantiser.row_noise(operator) / operator.row_noise_gain
        drawn = torch.randn(len(images), n * n, generator=torch.Generator().manual_seed(1_000_003 + int(numbers[0])))
        y = operator(images)
        return operator.pinv(y + added.reshape(1, *y.shape[1:]) * drawn.reshape(y.shape))

    def turned(images: Tensor, numbers: Tensor) -> Tensor:
        random = torch.Generator().manual_seed(2_000_003 + int(numbers[0]))
        shifts = torch.randint(n, (len(images), 2), generator=random).tolist()
        moved = torch.stack([image.roll(shift, (-2, -1)) for image, shift in zip(images, shifts, strict=True)])
        back = zip(quantised(moved, numbers), shifts, strict=True)
        return torch.stack([image.roll((-a, -b), (-2, -1)) for image, (a, b) in back])

    def by_shell(images: Tensor, factor: Tensor) -> Tensor:
        return fourier.inverse_hartley(fourier.hartley(images) * factor)

    def over_gains(images: Tensor, numbers: Tensor) -> Tensor:
        return by_shell(quantised(images, numbers), 1 / plane)

    return {
        "signs": quantised,
        "no signs, each shell by the gain of its signal": lambda images, numbers: by_shell(images, plane),
        "signs, each shell over the gain of its signal": over_gains,
        "independent noise of the same power": with_noise,
        "signs of images rolled about": turned,
    }


@torch.no_grad()
def half_maps(star: Path, folder: Path, alter: Alter, scaling: StackStatistics) -> Path:
    """-> the folder of half maps of all particles, each altered first."""
    if (folder / "half2.mrc").exists():
        return folder
    stack = ParticleStack.open(star)
    known, n = Alignments.of(stack, with_ctf=True), stack.box_size
    sums = [SliceAccumulator(n, 2) for _ in range(2)]
    for rows in torch.arange(len(stack)).split(CHUNK):
        images, offset, gain = scaling(stack[rows])
        made = scaling.invert(alter(images, rows), offset, gain)
        terms, rotations = known.slices(made[:, 0], rows, None), known.rotations(rows)
        for number, half in enumerate(sums):
            chosen = known.half_set[rows] == number
            half.insert(Slices(terms.numerator[chosen], terms.weight[chosen]), rotations[chosen])
    folder.mkdir(parents=True, exist_ok=True)
    for number, half in enumerate(sums):
        write_volume(folder / f"half{number + 1}.mrc", half.volume(REGULARISATION), known.pixel_size_angstrom)
    return folder


def signal_to_noise(curve: Tensor) -> Tensor:
    return curve / (1 - curve).clamp_min(1e-9)


def shells_of_signs(quantiser: Sign, truth: Truth, full: Path, last_shell: int) -> pd.DataFrame:
    """-> what is predicted of signs by shell; what is measured between maps is not used here."""
    return efficiency_table("sign", quantiser, full, full, truth, last_shell)


def compared(folder: Path, first: int | None) -> pd.DataFrame:
    """-> a row for each variant of one set of particles."""
    star, full = folder / "data" / "particles.star", folder / "uncompressed"
    stack, truth, last_shell = ParticleStack.open(star), Truth.of(star), resolved(full)
    scaling, quantiser = StackStatistics(4.0).fit(stack, CHUNK), Sign()
    portion = torch.arange(min(FIRST_PORTION, len(stack)))
    calibrate(quantiser, scaling(stack[portion])[0], portion, Full())
    signs = shells_of_signs(quantiser, truth, full, last_shell)
    gains = torch.ones(stack.box_size // 2 + 1)
    gains[1 : last_shell + 1] = torch.tensor(signs["gain"].tolist())
    gains[0] = gains[1]
    rows = []
    for name, alter in list(variants(quantiser, gains).items())[:first]:
        maps = half_maps(star, folder / "isolated" / name.replace(" ", "_").replace(",", ""), alter, scaling)
        sums = products(maps, full)
        expected = signs.assign(worth=1.0 if name.startswith("no signs") else signs["eta" if "noise" in name else "worth"])

        def missed(sums: Tensor, expected: pd.DataFrame = expected) -> float:
            return worth(sums) - predicted_worth(expected, curves(sums)[1])

        made, own = (signal_to_noise(curve)[1 : last_shell + 1] for curve in curves(sums.sum(0)))
        off = torch.log(made / own) - torch.log(torch.tensor(expected["worth"].tolist()))
        rows.append(
            {
                "of the particles": name,
                "worth by the cross-FSC": worth(sums.sum(0)),
                "predicted": predicted_worth(expected, curves(sums.sum(0))[1]),
                "difference": missed(sums.sum(0)),
                "±": half_width(sums, missed),
                **{words: float(off[part].mean().exp()) for words, part in BANDS.items()},
            }
        )
    return pd.DataFrame(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seeds", type=int, nargs="*", default=[0])
    parser.add_argument("--data", choices=list(DATA), default="molecule")
    parser.add_argument("--first", type=int, default=None, help="only so many of the variants")
    parser.add_argument("--results", type=Path, default=HERE)
    arguments = parser.parse_args()
    said = [f"# {arguments.data}: {arguments.count} particles of 64 px, SNR 0.05"]
    for seed in arguments.seeds:
        found = compared(OUTPUT / f"{arguments.data}_{arguments.count}_{seed}", arguments.first)
        said += [f"Seed {seed}.", table(found, dict.fromkeys(found.columns[1:], "{:+.3f}".format))]
    (arguments.results / f"isolate_{arguments.data}.md").write_text("\n\n".join(said) + "\n")
    print("\n\n".join(said))


if __name__ == "__main__":
    main()
