"""Bits for each shell (`cryosense design`) against one step for all of them in as many bytes, measured; see README.md.

Writes designed.csv and designed.md; goes on where it was stopped.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from omegaconf import DictConfig
from run import HERE, folder_of, particles, settings
from scipy.optimize import brentq
from tables import markdown
from trials import Cell

from cryosense.errors import ArgumentError
from cryosense.measurement import Full
from cryosense.measurement.quantisers import Trellis, Uniform
from cryosense.tasks.advise.keeping import Keeping
from cryosense.tasks.advise.prediction import Prediction, predict
from cryosense.tasks.advise.schemes import Scheme
from cryosense.tasks.design.bit_design import BitDesign
from cryosense.tasks.design.budget import Budget
from cryosense.tasks.design.known import Known
from cryosense.tasks.mask_design.alignment_floor import AlignmentFloor

TABLE = "designed.csv"
KINDS: dict[str, type[Uniform | Trellis]] = {"step": Uniform, "trellis": Trellis}
STEPS = {Uniform: (0.05, 8.0), Trellis: (0.1, 1.0)}
SHELLS = ("shell_unmasked", "shell_masked", "shell_to_truth")


def alike(cell: Cell, bits: float, kind: type[Uniform | Trellis], last_shell: int) -> Prediction | None:
    """-> what is expected of one step up to a shell in as many bits of a particle; None if no step has them."""
    n, (low, high) = cell.sample.source.images.box_size, STEPS[kind]

    def over(step: float) -> float:
        return Scheme("", kind(round(step, 3), last_shell=last_shell), Full()).bits(n) - bits

    if over(low) < 0 or over(high) > 0:
        return None
    step = round(float(brentq(over, low, high, xtol=1e-3)), 3)
    scheme = Scheme("one step", kind(step, last_shell=last_shell), Full())
    return predict(scheme, Keeping(cell.looked.signal), cell.looked.overhead)


def schemes(cell: Cell, symmetry: str, budget: float) -> Iterator[tuple[str, Prediction]]:
    """-> by name: designs with and without a floor for poses; one step for all shells worth measuring, and for fewer."""
    signal, bits = cell.looked.signal, None
    known = Known.of_sample(cell.looked, signal.particles, symmetry, sought=True)
    for poses in ("known", "unknown"):
        try:
            made = BitDesign(Budget(bits_per_pixel=budget), AlignmentFloor(poses, symmetry=symmetry)).make(known)
        except ArgumentError as error:
            print(f"refused: {error}", flush=True)
            continue
        bits = made.expected.scheme.bits(signal.box_size)
        yield f"designed, poses {poses}", made.expected
    ends = {"worth measuring": signal.worth_measuring(1.0), "resolved unmasked": signal.worth_measuring(1.0, masked=False)}
    for (name, last), (word, kind) in itertools.product(ends.items(), KINDS.items()):
        flat = None if bits is None else alike(cell, bits, kind, last)
        if flat is not None:
            yield f"one {word}, shells {name}", flat


def rows(cell: Cell, symmetry: str, budgets: list[float]) -> Iterator[dict[str, object]]:
    """-> one for each scheme and budget."""
    whole = cell.judged((*cell.uncompressed, sum(cell.uncompressed) / 2))
    path = cell.scratch / "designed.cryo.h5"
    for budget in budgets:
        for name, expected in schemes(cell, symmetry, budget):
            size = cell.measured(expected, path)
            found = cell.judged(cell.of_file(path))
            lost = {f"lost_{each[6:]}": float(whole[each] or 0) - float(found[each] or 0) for each in SHELLS}
            row = {"bits_per_pixel": budget, "scheme": name, "last_shell": expected.scheme.quantiser.last_shell}
            yield row | {"bytes_measured": size} | found | lost | cell.expected_of(expected)
    path.unlink(missing_ok=True)


def made(study: DictConfig, molecule: str, snr: float, seed: int) -> pd.DataFrame:
    """-> the table of a data set, measured unless it is there."""
    folder, symmetry = folder_of(study, molecule, snr, seed), study.molecules[molecule].symmetry
    if not (folder / TABLE).exists():
        folder.mkdir(parents=True, exist_ok=True)
        cell = Cell.of(particles(folder, study, molecule, snr, seed), study, symmetry)
        found = []
        for row in rows(cell, symmetry, list(study.designed.bits_per_pixel)):
            found.append({"molecule": molecule, "snr": snr, "seed": seed} | row)
            print(molecule, snr, seed, row["bits_per_pixel"], row["scheme"], row["equivalent_measured"], flush=True)
        pd.DataFrame(found).to_csv(folder / "designed.partial", index=False)
        (folder / "designed.partial").rename(folder / TABLE)
    return pd.read_csv(folder / TABLE)


def told(table: pd.DataFrame) -> str:
    """-> the table in words."""
    columns = ["molecule", "SNR", "seed", "bits a pixel asked", "scheme", "last shell", "bytes a particle"]
    columns += ["equivalent particles, %", "predicted", "shells lost, unmasked", "masked", "to the truth"]
    lines = []
    for row in table.to_dict("records"):
        numbers = [f"{100 * row[f'equivalent_{kind}']:.1f}" for kind in ("measured", "expected")]
        lost = [f"{row[f'lost_{kind}']:.1f}" for kind in ("unmasked", "masked", "to_truth")]
        first = [row["molecule"], f"{row['snr']:g}", str(row["seed"]), f"{row['bits_per_pixel']:g}", row["scheme"]]
        lines.append([*first, f"{row['last_shell']:.0f}", f"{row['bytes_measured']:.0f}", *numbers, *lost])
    return markdown(columns, lines) + "\n"


def main() -> None:
    """Make the data sets that are not there yet."""
    study = settings()
    results = Path(study.results or HERE)
    cells = itertools.product(study.designed.molecules, study.designed.snrs, study.designed.seeds)
    table = pd.concat([made(study, *cell) for cell in cells], ignore_index=True)
    table.to_csv(results / TABLE, index=False, float_format="%.5g")
    (results / "designed.md").write_text(told(table))
    sys.stdout.write(told(table))


if __name__ == "__main__":
    main()
