"""Would extrapolation save iterations? Reduced-rank extrapolation of ADMM's fixed point, in cycles; see README.md.

python experiments/performance/extrapolation.py [box_size=64 pixel_size_angstrom=4 images=3 seed=1 results=FOLDER]

Of particles that nothing else is timed on. Writes extrapolation.md beside this file, or into the
folder of ``results``.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import torch
from omegaconf import OmegaConf
from problem import PRIORS, Cell, operators, particles
from torch import Tensor

from cryosense.reconstructors import ADMM
from cryosense.solvers.converging import Algorithm, State
from cryosense.solvers.steps import SplitState, image_sum

HERE = Path(__file__).parent
CELLS = (("fourier", "tv", 0.3), ("pixel", "tv", 1.0), ("fourier", "dct", 1.0), ("pixel", "dct", 1.0))
MEMORIES = (0, 5, 10, 15)  # differences that are combined at the end of a cycle of as many steps and one; 0: plain ADMM
MOST, CHECK_EVERY = 1000, 5
WORSE = 2.0  # an extrapolation after which a step is longer by this factor is taken back
RIDGE = 1e-8


class Solved(NamedTuple):
    """Estimates (b, 1, n, n), iterations (b,), and how many extrapolations of one image were taken back."""

    x: Tensor
    iterations: Tensor
    taken_back: int


def main() -> None:
    """Solve each cell with every memory."""
    config = OmegaConf.load(HERE / "config.yaml")
    chosen = {"box_size": 64, "pixel_size_angstrom": 4.0, "images": 3, "seed": 1, "weights": {"tuning_images": 0}}
    config = OmegaConf.merge(config, chosen, OmegaConf.from_cli())
    noisy, _ = particles(config)
    lines = [f"{config.images} images of {config.box_size} px, seed {config.seed}, {config.method}", ""]
    lines += ["| cell | memory | iterations of each image | objective over plain ADMM's, less 1 | taken back |"]
    lines += ["|---|---|---|---|---|"]
    for domain, prior, weight in CELLS:
        operator = operators(config)[domain]
        cell = Cell(domain, prior, operator, PRIORS[prior], weight, operator(noisy))
        algorithm = ADMM(**config.method).algorithm(cell.prior, cell.y, operator, weight)
        plain = None
        for memory in MEMORIES:
            made = solve(algorithm, operator.pinv(cell.y), memory, config.method.tolerance)
            plain = cell.objective(made.x) if plain is None else plain
            excess = float((cell.objective(made.x) / plain - 1).abs().max())
            each = ", ".join(map(str, made.iterations.tolist()))
            lines.append(f"| {domain} {prior}, weight {weight:g} | {memory} | {each} | {excess:.0e} | {made.taken_back} |")
            print(lines[-1], flush=True)
    into = Path(config.results or HERE)
    into.mkdir(parents=True, exist_ok=True)
    (into / "extrapolation.md").write_text("\n".join(lines) + "\n")


def solve(algorithm: Algorithm, start: Tensor, memory: int, tolerance: float) -> Solved:
    """-> the first estimates of a gap within the tolerance; without one after ``MOST`` iterations, the last."""
    state, point = algorithm.begin(start), None
    found = Solved(algorithm.estimate(state).clone(), torch.full((len(start),), MOST), 0)
    states: list[State] = []
    steps: list[Tensor] = []
    kept: tuple[State, Tensor] | None = None
    for iteration in range(1, MOST + 1):
        before, state = state, algorithm.step(state)
        point_before, point = point, fixed_point(state)
        if iteration % CHECK_EVERY == 0:
            arrived = (algorithm.gap(before, state) <= tolerance) & (found.iterations == MOST)
            found.x[arrived], found.iterations[arrived] = algorithm.estimate(state)[arrived], iteration
            if bool((found.iterations < MOST).all()):
                break
        if point_before is None or memory == 0:
            continue
        step = point - point_before
        if kept is not None:
            worse = image_sum(step.square()) > WORSE**2 * image_sum(kept[1].square())
            state = chosen(worse, kept[0], state)
            point, kept = fixed_point(state), None
            found = found._replace(taken_back=found.taken_back + int(worse.sum()))
            continue
        states, steps = [*states, state], [*steps, step]
        if len(steps) == memory + 1:
            kept, state = (state, step), extrapolated(states, steps)
            point, states, steps = fixed_point(state), [], []
    return found._replace(x=algorithm.images(found.x))


def fixed_point(state: State) -> Tensor:
    """-> (b, ...): what determines the next step, in the metric of the penalties."""
    if not isinstance(state, SplitState):
        return state.s
    return torch.cat([state.p, state.coupling.sqrt() * state.q], dim=1)


def extrapolated(states: list[State], steps: list[Tensor]) -> State:
    """-> the affine combination of the states whose combined step is shortest, image by image.

    All parts of a state are linear in its fixed point, so that they are combined alike.
    """
    table = torch.stack([step.flatten(1) for step in steps], dim=1).double()
    products = table @ table.mT
    ridge = RIDGE * products.diagonal(dim1=1, dim2=2).mean(1)[:, None, None] * torch.eye(len(steps))
    shares = torch.linalg.solve(products + ridge, torch.ones(len(table), len(steps), dtype=torch.float64))
    shares = (shares / shares.sum(1, keepdim=True)).float()
    combined = [torch.einsum("bk,kb...->b...", shares, torch.stack(parts)) for parts in zip(*states, strict=True)]
    return type(states[0])(*combined)


def chosen(images: Tensor, these: State, others: State) -> State:
    """-> the state of ``these`` for the images (b,) bool, of the others for the rest."""
    parts = zip(these, others, strict=True)
    return type(these)(*[torch.where(images.reshape(-1, *(1,) * (one.ndim - 1)), one, other) for one, other in parts])


if __name__ == "__main__":
    main()
