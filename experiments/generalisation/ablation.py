"""How many molecules are enough? Small networks, trained alike on 1, 4, 16 and many; see README.md.

Writes ablation.csv, ablation.md and ablation.png beside this file, or into the folder of ``results``. Networks that are
trained, and scored, are not again.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from ablation_tables import SHIPPED, picture, summed, tables
from analyse import WIENER
from banks import SUFFIX, Bank
from banks import draw as draw_operator
from methods import LEARNED
from molecules import BUILT_IN, GROEL, Molecule, molecules, pixel_at
from omegaconf import DictConfig, OmegaConf
from rendering import Conditions, Renderer
from run import Cell, scored
from torch import Tensor
from train import MODEL, STATE, Stock, Training

from cryosense.operators import LinearOperator
from cryosense.simulation.library.density import MoleculeLibrary

HERE = Path(__file__).parent
CPU = torch.device("cpu")


def settings() -> DictConfig:
    """-> ablation.yaml, upon train.yaml and study.yaml, and the words of the command line."""
    config = OmegaConf.merge(OmegaConf.load(HERE / "ablation.yaml"), OmegaConf.from_cli())
    for part, name in (("training", "train.yaml"), ("study", "study.yaml")):
        config[part] = OmegaConf.merge(OmegaConf.load(HERE / name), config[part])
    return config


def library(config: DictConfig, draw: int) -> MoleculeLibrary:
    """-> what is trained on: proteins alone, no made-up chains."""
    return MoleculeLibrary(split="training", molecules=max(config.molecules), seed=draw)


def atoms(config: DictConfig, draw: int) -> tuple[Tensor, Tensor, Tensor]:
    """-> positions, weights and ends of all molecules of a draw; made once and kept."""
    path = Path(config.output_dir) / f"molecules_{draw}_{max(config.molecules)}.pt"
    if not path.is_file():
        made = [library(config, draw).atoms_of(number) for number in range(max(config.molecules))]
        ends = torch.tensor([0, *np.cumsum([len(each.weights) for each in made])])
        torch.save((torch.cat([m.positions_angstrom for m in made]), torch.cat([m.weights for m in made]), ends), path)
    positions, weights, ends = torch.load(path, weights_only=True)
    return positions, weights, ends


def operators(config: DictConfig) -> list[LinearOperator]:
    """-> the operators that all networks are trained with, in an order of their own; made once and kept."""
    folder, box = Path(config.output_dir) / "operators", config.study.box_size
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(config.operators):
        if not (folder / f"{box}-{number}{SUFFIX}").is_file():
            draw_operator(number, folder, 0, list(config.training.compression), {box: config.images})
    bank = Bank(folder, CPU)
    bank.refresh()
    return bank.of_box[box]


def networks(config: DictConfig) -> Iterator[tuple[int, int, Path]]:
    """-> all networks that are asked for, one draw after another: molecules, draw and folder."""
    for draw in config.draws:
        for count in config.molecules:
            yield count, draw, Path(config.output_dir) / f"{count}_{draw}_{config.steps}"


def there(config: DictConfig) -> Iterator[tuple[int, int, int, Path]]:
    """-> all networks that have been trained: molecules, draw, steps and folder."""
    for state in sorted(Path(config.output_dir).glob(f"*_*_*/{STATE}")):
        if not state.parent.suffix:
            count, draw, steps = map(int, state.parent.name.split("_"))
            yield count, draw, steps, state.parent


def train(config: DictConfig, count: int, draw: int, folder: Path) -> None:
    """Train a network on the first molecules of a draw, and keep it after the shares of the steps that are named."""
    unfinished = folder.with_name(folder.name + ".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    box, began = config.study.box_size, time.process_time()
    # The rate falls with what stands for time in train.py: steps, as all networks have the same.
    training = Training(OmegaConf.merge(config.training, {"seed": draw, "seconds": config.steps}), CPU)
    positions, weights, ends = atoms(config, draw)
    ends = ends[: count + 1]
    source = Renderer(positions[: ends[-1]], weights[: ends[-1]], ends, Conditions(), draw)
    stock, bank, random = Stock(source, {box: config.images}), operators(config), np.random.default_rng(draw)
    losses = []
    for step in range(config.steps):
        training.seconds = float(step)
        losses.append(training.step(stock.batch(box), bank[random.integers(len(bank))], random))
        if training.steps in kept(config, config.steps):
            training.save(unfinished)
            loss, spent = float(torch.stack(losses).mean()), time.process_time() - began
            print(f"{folder.name}: {training.steps} steps, mean loss {loss:.4f}, {spent:.0f} s of processor", flush=True)
            losses = []
    unfinished.rename(folder)


def kept(config: DictConfig, steps: int) -> list[int]:
    """-> the steps after which networks of so many are kept."""
    return [max(1, round(share * steps)) for share in config.kept]


def seen_molecule(config: DictConfig, draw: int) -> Molecule:
    """-> the first molecule of a draw, in poses of its own."""
    density, study = MoleculeLibrary(split="training", molecules=1, seed=draw), config.study
    made = density.molecule(0)
    pixel = pixel_at(study.fill, made.diameter_angstrom, study.box_size)
    seed = study.seed + 1000 + draw
    return Molecule(f"{made.name}, seen", made.fold, made.form, density, pixel, made.diameter_angstrom, seed)


class Scoring:
    """Scores of networks and of Wiener on the same particles, kept as files."""

    def __init__(self, config: DictConfig) -> None:
        self.config = config
        self.unseen = [each for each in molecules(config.study) if each.name not in (BUILT_IN, GROEL)]
        self.networks = list(there(config))
        self.seen = {draw: seen_molecule(config, draw) for draw in sorted({draw for _, draw, *_ in self.networks})}

    def of(self, path: Path, method: str, draws: list[int], learned_path: Path | None = None) -> pd.DataFrame:
        """-> scores of one method on molecules that are not seen, and on the seen ones of these draws."""
        if not path.is_file():
            study = OmegaConf.merge(self.config.study, {"learned_path": learned_path and str(learned_path)})
            more = OmegaConf.merge(study, {"particles": self.config.seen_particles})
            cells = [Cell(*cell) for cell in self.config.cells]
            found = [scored(each, study, cell, method).assign(seen=False) for cell in cells for each in self.unseen]
            for draw in draws:
                found += [scored(self.seen[draw], more, cell, method).assign(seen=True) for cell in cells]
            pd.concat(found, ignore_index=True).to_csv(path, index=False)
        return pd.read_csv(path)

    def rows(self) -> pd.DataFrame:
        """-> scores of all networks there are, with Wiener's and those of the network that comes with cryosense."""
        folder, every, found = Path(self.config.output_dir), list(self.seen), []
        for name, method in ((WIENER, WIENER), (SHIPPED, LEARNED)):
            table = self.of(folder / f"{name}_{'_'.join(map(str, every))}.csv", method, every)
            found.append(table.assign(name=name))
        for count, draw, steps, path in self.networks:
            for number, after in enumerate(kept(self.config, steps)):
                table = self.of(path / f"scores{number}.csv", LEARNED, [draw], path / f"{MODEL}{number}")
                found.append(table.assign(name=str(count), draw=draw, steps=steps, after=after))
        return pd.concat(found, ignore_index=True)


def main() -> None:
    """Train, score and say."""
    config, began = settings(), time.monotonic()
    Path(config.output_dir).mkdir(parents=True, exist_ok=True)
    for count, draw, path in networks(config):
        if not path.is_dir() and (config.minutes is None or time.monotonic() - began < 60 * config.minutes):
            train(config, count, draw, path)
    table = summed(Scoring(config).rows())
    folder = Path(config.results or HERE)
    folder.mkdir(parents=True, exist_ok=True)
    table.to_csv(folder / "ablation.csv", index=False, float_format="%.4f")
    text = tables(table)
    (folder / "ablation.md").write_text(text)
    picture(table, folder / "ablation.png")
    print(text)


if __name__ == "__main__":
    main()
