"""Gold-standard refinement of what schemes measured, poses unknown; see README.md. Writes refinement.csv and .md."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path

import pandas as pd
from omegaconf import DictConfig, OmegaConf
from run import HERE, aligned, particles, slug, words_of

from cryosense.data.maps import read_map
from cryosense.metrics import fsc, resolution_angstrom
from cryosense.tasks.poses.alignment import in_sphere

HALVES, TRUTH = 0.143, 0.5


def main() -> None:
    """Refine what is not refined yet, and put all that is there into a table."""
    study = OmegaConf.merge(OmegaConf.load(HERE / "study.yaml"), OmegaConf.from_cli())
    wanted, rows = study.refinement, []
    if "original" not in wanted.schemes:
        raise SystemExit("refinement.schemes needs original: the others are shown beside it")
    chosen = [(seed, name) for seed in study.seeds for name in study.molecules if study.molecule in (None, name)]
    for seed, molecule in chosen:
        kind, where = study.molecules[molecule], {"molecule": molecule, "seed": seed}
        folder = Path(study.directory) / "refined" / slug(f"{molecule} {wanted.particles} {wanted.snr} {seed}")
        cell = OmegaConf.merge(study, {"particles": wanted.particles, "resolution_angstrom": wanted.resolution_angstrom})
        data = particles(folder / "data", cell, words_of(kind), wanted.snr, seed)
        for name in wanted.schemes:
            print(f"{molecule}, seed {seed}: {name}", flush=True)
            words = [f"symmetry={kind.symmetry}", f"iterations={wanted.iterations}", *shlex.split(wanted.words)]
            aligned(data, folder / slug(name), cell, [*shlex.split(study.schemes[name]), *words], None)
            rows += [{**where, "scheme": name, **each} for each in iterations(folder / slug(name), data)]
    table = pd.DataFrame(rows)
    results = Path(study.results or HERE)
    table.to_csv(results / "refinement.csv", index=False, float_format="%.5g")
    text = markdown(table, study)
    (results / "refinement.md").write_text(text)
    sys.stdout.write(text)


def iterations(directory: Path, data: Path) -> list[dict[str, object]]:
    """-> of each iteration, the resolutions of the half maps and of their mean against the truth, in Angstrom and shells."""
    whole = read_map(data / "volume.mrc")
    truth, found = in_sphere(whole.values.float()), []
    for folder in sorted((directory / "iterations").glob("iteration_*")):
        first, second = (read_map(folder / f"half{number}.mrc") for number in (1, 2))
        size, box = first.voxel_angstrom[0], truth.shape[-1]
        curves = (fsc(first.values, second.values), fsc((first.values + second.values).float() / 2, truth))
        reached = [
            resolution_angstrom(curve, size, box, threshold) for curve, threshold in zip(curves, (HALVES, TRUTH), strict=True)
        ]
        found.append(
            {
                "iteration": int(folder.name.split("_")[1]),
                "turned_deg": json.loads((folder / "iteration.json").read_text())["median_turn_deg"],
                "halves_angstrom": reached[0],
                "halves_shell": size * box / reached[0],
                "truth_angstrom": reached[1],
                "truth_shell": size * box / reached[1],
            }
        )
    return found


def markdown(table: pd.DataFrame, study: DictConfig) -> str:
    """-> the last iteration of each scheme, beside that of the uncompressed particles."""
    wanted = study.refinement
    lines = [
        f"{wanted.particles} particles, SNR {wanted.snr}; poses unknown, reference: the true map at "
        f"{wanted.resolution_angstrom} Å; at most {wanted.iterations} iterations. Shells of a box of 64.",
        "",
        f"| molecule | seed | scheme | iterations | half maps, {HALVES}: shell (Å) | to the truth, {TRUTH}: shell (Å) "
        "| behind the originals, shells |",
        "| --- | --- | --- | ---: | ---: | ---: | ---: |",
    ]
    last = table.groupby(["seed", "molecule", "scheme"], sort=False).last().reset_index()
    for each in last.itertuples():
        same = (last.molecule == each.molecule) & (last.seed == each.seed)
        other = last[same & (last.scheme == "original")].iloc[0]
        behind = [float(other[name]) - float(getattr(each, name)) for name in ("halves_shell", "truth_shell")]
        lines.append(
            f"| {each.molecule} | {each.seed} | {each.scheme} | {each.iteration} "
            f"| {each.halves_shell:.1f} ({each.halves_angstrom:.2f}) "
            f"| {each.truth_shell:.1f} ({each.truth_angstrom:.2f}) | {behind[0]:.1f}, {behind[1]:.1f} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
