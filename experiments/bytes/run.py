"""Are the predictions of `cryosense advise` true? Schemes of its ladder, measured, decoded and back-projected.

python experiments/bytes/run.py [--molecules builtin groel] [--count 2000] [--snr 0.05] [--seed 0]
"""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import redirect_stderr, redirect_stdout
from functools import partial
from io import StringIO
from pathlib import Path

import pandas as pd
import torch

from cryosense.cli.main import main as cryosense
from cryosense.data import ParticleSource, survey_of
from cryosense.metrics import automatic_mask
from cryosense.tasks.advise.advice import Advice
from cryosense.tasks.advise.keeping import Keeping
from cryosense.tasks.advise.prediction import Poses, predict
from cryosense.tasks.advise.sample import Mapping, Sample
from cryosense.tasks.advise.schemes import BY_SHELL, RESOLVED, Scheme, ladder
from cryosense.tasks.advise.tables import checks_table

OUTPUT = Path("outputs/bytes")
REFERENCE = Path(os.environ.get("CRYOSENSE_REFERENCE_DATA", "../shared/data"))
MOLECULES = {
    "builtin": (),
    "groel": ("density=map", f"density.path={REFERENCE}/real/emd_1997_groel.map", "pixel_size_angstrom=3.2"),
}
# Every so many rungs of a line; lines of which all are tried have 1.
TRIED = {BY_SHELL: 3, RESOLVED: 4, f"signs, {RESOLVED}": 1, "pixels": 4, "flat masks, C = 2.5": 1}
WITHIN = 0.05


def simulated(molecule: str, count: int, snr: float, seed: int) -> Path:
    """Return the STAR file of particles, made unless they are there."""
    folder = OUTPUT / f"{molecule}_{count}_{snr:g}_{seed}"
    words = ["simulate", f"output_dir={folder}", f"count={count}", f"snr={snr}", f"seed={seed}", *MOLECULES[molecule]]
    sys.argv = ["cryosense", *words]
    with redirect_stderr(StringIO()), redirect_stdout(StringIO()):
        assert cryosense() == 0
    return folder / "particles.star"


def tried(star: Path) -> pd.DataFrame:
    """Return a row for each scheme: expected and measured."""
    source = ParticleSource.open(star, None, None, None, None, None)
    survey = survey_of(source.images, 64)
    numbers = torch.arange(len(source.images))
    sample = Sample(source, numbers, survey.mean, survey.deviation, source.data_fingerprint)
    advice = Advice(
        Mapping(partial(automatic_mask, lowpass_angstrom=15.0, extend_pixels=3.0, edge_pixels=6.0)), Poses(), None, 3, 1.0
    )
    scratch = star.parent / "work"
    scratch.mkdir(exist_ok=True)
    looked = advice.look(sample, scratch, lambda done: None)
    checks = []
    keeping = Keeping(looked.signal)
    for scheme in chosen(ladder(keeping, advice.last_shells(looked.signal))):
        checks.append(looked.checking.check(scheme.kind, predict(scheme, keeping, looked.overhead)))
        print(".", end="", file=sys.stderr, flush=True)
    return checks_table(tuple(checks))


def chosen(schemes: list[Scheme]) -> list[Scheme]:
    """Return those of the ladder that are tried."""
    lines = {kind: [each for each in schemes if each.kind == kind] for kind in TRIED}
    return [scheme for kind, line in lines.items() for scheme in line[:: TRIED[kind]]]


def table(rows: pd.DataFrame) -> str:
    """Return Markdown."""
    columns = ["scheme", "bytes, expected", "measured", "equivalent, expected", "measured", "by half maps"]
    columns += [f"Å {curve}, {name}" for curve in ("unmasked", "masked") for name in ("expected", "measured")]
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    for each in rows.to_dict("records"):
        shares = [f"{100 * each[f'equivalent_{name}']:.1f} %" for name in ("expected", "measured", "by_half_maps")]
        read = [
            f"{each[f'{curve}_{name}_angstrom']:.2f}" for curve in ("unmasked", "masked") for name in ("expected", "measured")
        ]
        cells = [each["scheme"], f"{each['bytes_expected']:.0f}", f"{each['bytes_measured']:.0f}", *shares, *read]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--molecules", nargs="+", choices=list(MOLECULES), default=list(MOLECULES))
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--snr", type=float, default=0.05)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    for molecule in given.molecules:
        rows = tried(simulated(molecule, given.count, given.snr, given.seed))
        error = (rows["equivalent_measured"] - rows["equivalent_expected"]).abs()
        spent = (rows["bytes_measured"] / rows["bytes_expected"] - 1).abs()
        print(f"## {molecule}: {given.count} particles of 64 px, SNR {given.snr:g}, seed {given.seed}\n\n{table(rows)}\n")
        print(
            f"Equivalent particles within {WITHIN:.0%} (absolute) of the prediction: {(error <= WITHIN).sum()} of {len(rows)} "
            f"points, the worst {error.max():.3f} off. Bytes: the worst {spent.max():.1%} off.\n",
            flush=True,
        )


if __name__ == "__main__":
    main()
