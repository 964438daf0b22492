"""Train the network of many molecules: rendered on the device, every image new; for a time, not a number of steps."""

from __future__ import annotations

import json
import math
import multiprocessing
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from banks import Bank, begin
from omegaconf import DictConfig, OmegaConf
from rendering import Conditions, Rendered, Renderer
from torch import Tensor

from cryosense.metrics import correlation
from cryosense.operators import LinearOperator
from cryosense.reconstructors.unrolled import NoisySample, Told, ToldUNet, save_solver
from cryosense.runs.devices import device_named
from cryosense.simulation.library.density import MoleculeLibrary

STATE, MODEL, LOSSES = "state.pt", "model", "losses.csv"
RENDERED_AT_ONCE = 4  # batches
JUDGED = 256  # particles of the validation split
FACTS = {"scaling": {"scaling": "none"}}


def atoms(number: int, split: str, settings: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Return positions and weights of one molecule of a split."""
    made = MoleculeLibrary(split=split, molecules=number + 1, **settings).atoms_of(number)
    return made.positions_angstrom.numpy(), made.weights.numpy()


def renderer(split: str, count: int, settings: dict[str, Any], processes: int, device: torch.device, seed: int) -> Renderer:
    """Return what renders the first molecules of a split."""
    with multiprocessing.get_context("spawn").Pool(processes, torch.set_num_threads, (1,)) as pool:
        made = pool.map(partial(atoms, split=split, settings=settings), range(count), chunksize=8)
    ends = torch.tensor([0, *np.cumsum([len(weights) for _, weights in made])], device=device)
    positions, weights = (torch.from_numpy(np.concatenate(each)).to(device) for each in zip(*made, strict=True))
    return Renderer(positions, weights, ends, Conditions(), seed)


class Stock:
    """Batches rendered several at a time, since each takes as long to ask for as it takes the device to make many."""

    def __init__(self, source: Renderer, boxes: dict[int, int]) -> None:
        self.source, self.boxes = source, boxes
        self.left: dict[int, list[Rendered]] = {box: [] for box in boxes}

    def batch(self, box: int) -> Rendered:
        """Return a new batch of images of this box."""
        if not self.left[box]:
            made = self.source.batch(RENDERED_AT_ONCE * self.boxes[box], box)
            parts = zip(*(images.split(self.boxes[box]) for images in made), strict=True)
            self.left[box] = [Rendered(*part) for part in parts]
        return self.left[box].pop()


class Training:
    """A network, its optimiser, its average, and how long it has been trained."""

    def __init__(self, config: DictConfig, device: torch.device) -> None:
        self.config, self.device = config, device
        torch.manual_seed(config.seed)
        self.network = ToldUNet(**config.network).to(device)
        self.parameters = list(self.network.parameters())
        fused = device.type == "cuda"
        self.optimiser = torch.optim.AdamW(self.parameters, config.learning_rate, (0.9, 0.99), weight_decay=1e-6, fused=fused)
        self.average = [parameter.detach().clone() for parameter in self.parameters]
        self.steps, self.seconds = 0, 0.0

    def rate(self) -> float:
        """Return the learning rate over its highest."""
        left = max(0.0, 1 - self.seconds / self.config.seconds)
        return min(1.0, (self.steps + 1) / self.config.warmup_steps, left / self.config.falling_share)

    def loss(self, batch: Rendered, operator: LinearOperator, random: np.random.Generator) -> Tensor:
        """Return the mean error over the clean image's variance, weighted by what a sample leaves open where one is told."""
        c = self.config
        y = operator(batch.noisy)
        ctf = None if random.random() < c.hidden_ctf_share else batch.ctf
        if random.random() >= c.sampling_share:
            errors = (self.network(y, operator, Told(ctf=ctf)) - batch.clean).square().flatten(1).mean(1)
            variance = batch.clean.flatten(1).var(1)
            return (errors / variance * (1 + 4 * variance)).mean()  # the noise's variance is 1
        scale = self.network.units(y, operator)[1].flatten()
        low, high = map(math.log, c.sample_std)
        std = scale * torch.exp(low + (high - low) * torch.rand(len(scale), device=self.device))
        told = Told(ctf=ctf, sample=NoisySample(batch.clean + _per_image(std) * torch.randn_like(batch.clean), std))
        errors = (self.network(y, operator, told) - batch.clean).square().flatten(1).mean(1)
        variance = batch.clean.flatten(1).var(1)
        return (errors * ((1 + 4 * variance) / variance + std**-2)).mean() / 2

    def step(self, batch: Rendered, operator: LinearOperator, random: np.random.Generator) -> Tensor:
        """Train on one batch; return its loss."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.config.learning_rate * self.rate()
        loss = self.loss(batch, operator, random)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.optimiser.step()
        self.optimiser.zero_grad()
        decay = min(self.config.average, (1 + self.steps) / (10 + self.steps))
        torch._foreach_lerp_(self.average, [p.detach() for p in self.parameters], 1 - decay)
        self.steps += 1
        return loss.detach()

    def averaged(self) -> ToldUNet:
        """Return a network with the averaged weights."""
        network = ToldUNet(**self.config.network).to(self.device)
        for parameter, average in zip(network.parameters(), self.average, strict=True):
            parameter.data.copy_(average)
        return network.eval()

    def save(self, folder: Path) -> None:
        """Write the state from which training goes on, and the folder that ``reconstructor=unrolled`` opens."""
        state = {"network": self.network.state_dict(), "average": self.average, "optimiser": self.optimiser.state_dict()}
        torch.save({**state, "steps": self.steps, "seconds": self.seconds}, folder / STATE)
        number = 0
        while (folder / f"{MODEL}{number}").exists():
            number += 1
        kinds = "FourierSampling,PixelMasking"
        save_solver(folder / f"{MODEL}{number}", self.averaged().half().cpu(), kinds, "clean and sampling", ctf=True)
        (folder / f"{MODEL}{number}" / "cryosense.json").write_text(json.dumps(FACTS, indent=1) + "\n")

    def load(self, folder: Path) -> None:
        """Go on from a state, if there is one."""
        if (folder / STATE).exists():
            state = torch.load(folder / STATE, map_location=self.device, weights_only=True)
            self.network.load_state_dict(state["network"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.average, self.steps, self.seconds = state["average"], state["steps"], state["seconds"]


def _per_image(values: Tensor) -> Tensor:
    return values[:, None, None, None]


def judged(network: ToldUNet, cases: list[tuple[Rendered, LinearOperator]]) -> list[float]:
    """Return for each case the mean correlation with the clean images, and the network's error over ``A^+``'s in dB."""
    scores = []
    with torch.no_grad():
        for batch, operator in cases:
            y = operator(batch.noisy)
            x = network(y, operator, Told(ctf=batch.ctf))
            errors = [(each - batch.clean).square().flatten(1).mean(1) for each in (x, operator.pinv(y))]
            scores += [float(correlation(x, batch.clean).mean()), float(10 * (errors[1] / errors[0]).log10().mean())]
    return scores


def main(config: DictConfig) -> None:
    """Train until the time is over."""
    device, began = device_named(config.device), time.perf_counter()
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = True
    folder = Path(config.output_dir)
    folder.mkdir(parents=True, exist_ok=True)
    training = Training(config, device)
    training.load(folder)
    boxes, seed = {int(box): int(count) for box, count in config.boxes.items()}, config.seed + training.steps
    banks = folder / f"operators{training.steps}"
    # Kept until the end: the processes die with their pool.
    pool, _ = begin(banks, config.operators, config.processes, seed, list(config.compression), boxes)
    settings = {"made_up_share": config.made_up_share, "seed": config.seed}
    source = renderer("training", config.molecules, settings, config.processes, device, seed)
    others = renderer("validation", min(64, config.molecules), settings, config.processes, device, 1)
    stock = Stock(source, boxes)
    bank = Bank(banks, device)
    while len(bank.of_box) < len(boxes):
        bank.refresh()
        time.sleep(0.2)
    cases = [(others.batch(min(JUDGED, boxes[box]), box), bank.of_box[box][0]) for box in boxes]
    random, shares = np.random.default_rng(seed), np.array([config.box_shares[box] for box in boxes], dtype=float)
    ready = time.perf_counter() - began
    print(f"{device}: {len(source.diameters)} molecules, {len(source.weights)} atoms; {ready:.0f} s", flush=True)
    start, before, losses = time.perf_counter(), training.seconds, []
    until = min(config.seconds, before + (config.stop_after_seconds or math.inf))
    with (folder / LOSSES).open("a") as table:
        while training.seconds < until:
            box = list(boxes)[random.choice(len(boxes), p=shares / shares.sum())]
            operators = bank.of_box[box]
            losses.append(training.step(stock.batch(box), operators[random.integers(len(operators))], random))
            if training.steps % 20 == 0:
                bank.refresh(1)
                losses[-1].item()  # wait for the device, so that the time is true
                training.seconds = before + time.perf_counter() - start
            if training.steps % config.save_every == 0:
                training.save(folder)
            if training.steps % config.report_every == 0:
                loss = float(torch.stack(losses).mean())
                row = [training.steps, round(training.seconds, 1), len(bank.seen), round(loss, 5)]
                row += [round(score, 4) for score in judged(training.averaged(), cases)]
                print(*row, sep=", ", file=table, flush=True)
                print(*row, flush=True)
                losses = []
    training.save(folder)
    pool.terminate()
    print(f"{training.steps} steps, {training.seconds:.0f} s", flush=True)


if __name__ == "__main__":
    main(OmegaConf.merge(OmegaConf.load(Path(__file__).with_name("train.yaml")), OmegaConf.from_cli()))
