"""Reverse water-filling in whole quantisers, under floors.

Without floors the price that spends the bits makes the most of all of them but the last few (see
``cryosense.tasks.advise.allocation``); these then go one after the other to the shell that gains most by a finer quantiser.

Where that is short of a floor, a linear program shares shells between quantisers, so that floors are kept and the map says
most. Of its solution not more shells are shared than floors bind, and one; they get the finer of theirs, in so many fewer bits
that all is paid. Floors that do not bind are left out of it, and are put in one after the other as they are found to be short.
Its optimum, which no choice of whole quantisers can pass, tells how far from the best these are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from scipy import sparse
from scipy.optimize import OptimizeResult, linprog
from torch import Tensor

from cryosense.tasks.advise.allocation import Allocation
from cryosense.tasks.mask_design.alignment_floor import Floors

# Bits that the linear program is given less, so that finer quantisers can be paid.
FEWER = (0.0, 0.003, 0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3)
TOLERANCE, SHARED = 1e-9, 1e-7


def filled(allocation: Allocation, bits: float, floors: Floors | None = None) -> Tensor | None:
    """Return the choices of shells 1, 2, ... that make the most of so many bits of a particle and keep the floors.

    None if there are none, or if only choices keep them that whole quantisers are not found by.
    """
    chosen = allocation.spending(bits)
    if allocation.spent(chosen) <= bits and _holds(floors, allocation, chosen):
        return _finer(allocation, chosen, bits)
    found = [_finer(allocation, each, bits) for each in _keeping(allocation, bits, floors)]
    return max(found, key=allocation.told) if found else None


def cheapest(allocation: Allocation, floors: Floors | None) -> Tensor | None:
    """Return the choices that keep the floors, and spend hardly more bits than there must be; None if none keep them."""
    if floors is None:
        return allocation.cost[: allocation.least_last].argmin(1)
    solved = _relaxed(allocation, None, floors)
    return None if solved is None else _whole(allocation, solved)


def coarser(allocation: Allocation, chosen: Tensor, floors: Floors | None, suffices: Callable[[Tensor], bool]) -> Tensor:
    """Return the choices after shells have got the next coarser quantiser, those first that save most, while all suffices."""
    while True:
        tries = sorted(_one_coarser(allocation, chosen), key=allocation.spent)
        found = next((each for each in tries if _holds(floors, allocation, each) and suffices(each)), None)
        if found is None:
            return chosen
        chosen = found


def _one_coarser(allocation: Allocation, chosen: Tensor) -> Iterator[Tensor]:
    """Yield the choices with one shell's quantiser the best of those that take fewer bits."""
    for shell, choice in enumerate(chosen.tolist()):
        cheaper = allocation.cost[shell] < allocation.cost[shell, choice]
        if cheaper.any():
            changed = chosen.clone()
            changed[shell] = torch.where(cheaper, allocation.kept[shell], -1.0).argmax()
            yield changed


def most(allocation: Allocation, bits: float, floors: Floors | None = None) -> float:
    """Return nats of the map which no choices can pass that spend so many bits and keep the floors."""
    solved = _linear(allocation, bits, None) if floors is None else _relaxed(allocation, bits, floors)
    return 0.0 if solved is None else float(-solved.fun)


def _keeping(allocation: Allocation, bits: float, floors: Floors | None) -> Iterator[Tensor]:
    """Yield choices that keep the floors in so many bits: of the first linear program that has any, and the cheapest."""
    if floors is not None:
        for fewer in FEWER:
            solved = _relaxed(allocation, (1 - fewer) * bits, floors)
            if solved is None:
                break
            chosen = _whole(allocation, solved)
            if allocation.spent(chosen) <= bits:
                yield chosen
                break
    least = cheapest(allocation, floors)
    if least is not None and allocation.spent(least) <= bits:
        yield least


def _finer(allocation: Allocation, chosen: Tensor, bits: float) -> Tensor:
    """Return the choices after what is left of the bits has gone where it adds most, nothing being taken from a shell."""
    while True:
        spare, seen = bits - allocation.spent(chosen), min(len(chosen) + 1, len(allocation.gain))
        now = torch.zeros(3, seen, dtype=torch.float64)  # one more shell has nothing yet
        tables = torch.stack([table[:seen] for table in (allocation.gain, allocation.cost, allocation.kept)])
        now[:, : len(chosen)] = tables[:, : len(chosen)].gather(2, chosen.expand(3, -1)[:, :, None])[:, :, 0]
        gained, paid, more = tables - now[:, :, None]
        gained[(paid > spare) | (more <= 0)] = 0
        shell, choice = divmod(int(gained.argmax()), gained.shape[1])
        if not gained[shell, choice] > 0:
            return chosen
        chosen = torch.cat([chosen, chosen.new_zeros(1)]) if shell == len(chosen) else chosen.clone()
        chosen[shell] = choice


def _holds(floors: Floors | None, allocation: Allocation, chosen: Tensor) -> bool:
    return floors is None or bool((floors.short(_share(allocation.left(chosen), floors)) <= TOLERANCE).all())


def _share(left: Tensor, floors: Floors) -> Tensor:
    """Return of all shells, (n // 2 + 1,), from those of shells 1, 2, ...; shell 0 says nothing."""
    share = torch.zeros(floors.said.shape[1], dtype=torch.float64)
    share[1 : len(left) + 1] = left
    return share


def _relaxed(allocation: Allocation, bits: float | None, floors: Floors) -> OptimizeResult | None:
    """Return the linear program in so many bits, or the fewest, with the floors that bind; None if it has no solution."""
    rows: list[int] = []
    solved, left = None, torch.zeros(len(allocation.gain), dtype=torch.float64)
    while True:
        short = floors.short(_share(left, floors))
        worst = int(short.argmax())
        if worst in rows or (solved is not None and short[worst] <= TOLERANCE):
            return solved
        rows.append(worst)
        solved = _linear(allocation, bits, Floors(*(part[rows] for part in floors)))
        if solved.x is None:
            return None
        left = (_shares(allocation, solved)[:, :-1] * allocation.kept).sum(1)


def _shares(allocation: Allocation, solved: OptimizeResult) -> Tensor:
    return torch.from_numpy(solved.x).reshape(len(allocation.gain), -1)


def _whole(allocation: Allocation, solved: OptimizeResult) -> Tensor:
    """Return for each shell the finest of the choices that share it; the cheapest for one without any before the last."""
    has = _shares(allocation, solved)[:, :-1] > SHARED
    last = max(int(has.any(1).nonzero()[-1]) + 1 if has.any() else 0, allocation.least_last)
    finest = torch.where(has, allocation.kept, -1.0).argmax(1)
    return torch.where(has.any(1), finest, allocation.cost.argmin(1))[:last]


def _linear(allocation: Allocation, bits: float | None, floors: Floors | None) -> OptimizeResult:
    """Solve for the share, (last, choices + 1), of each shell that each choice gets, the last of them nothing.

    So that the map says most in so many bits; or in the fewest bits, where these are None.
    """
    last, count = allocation.gain.shape
    gain, cost, kept = (_with_nothing(each) for each in (allocation.gain, allocation.cost, allocation.kept))
    rows, limits = ([], []) if bits is None else ([cost.reshape(-1)], [bits])
    if floors is not None:
        rows += [-(said[1 : last + 1, None].numpy() * kept).reshape(-1) for said in floors.said]
        limits += (-floors.needed).tolist()
    bounds = np.ones((last, count + 1))
    bounds[: allocation.least_last, -1] = 0
    return linprog(
        (-gain if bits is not None else cost).reshape(-1),
        A_ub=np.stack(rows),
        b_ub=limits,
        A_eq=sparse.kron(sparse.eye(last), np.ones((1, count + 1)), format="csr"),
        b_eq=np.ones(last),
        bounds=np.stack([np.zeros(last * (count + 1)), bounds.reshape(-1)], axis=1),
        method="highs",
    )


def _with_nothing(values: Tensor) -> np.ndarray:
    return np.concatenate([values.numpy(), np.zeros((len(values), 1))], axis=1)
