"""Water-filling in whole quantisers against every choice there is, with floors and without."""

import pytest
import torch

from cryosense.measurement.quantisers import Uniform
from cryosense.tasks.advise.allocation import Allocation
from cryosense.tasks.design.filling import cheapest, filled, most
from cryosense.tasks.mask_design.alignment_floor import Floors

STEPS = (0.5, 0.8, 1.2, 1.7, 2.4, 3.4, 5.0)
SHELLS = 5


def small(seed: int, least_last: int) -> Allocation:
    """Weak signals of some spectrum: what entropy-coded steps keep of them, in five shells."""
    drawn = torch.rand(SHELLS, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    s = (5 * drawn - 3).exp()[:, None]
    books = [Uniform(step).books[0] for step in STEPS]
    kept = torch.tensor([book.eta for book in books], dtype=torch.float64).expand(SHELLS, -1)
    bits = torch.tensor([book.entropy_bits for book in books], dtype=torch.float64)
    shells = torch.arange(1, SHELLS + 1, dtype=torch.float64)[:, None]
    return Allocation(2 * torch.pi * shells**2 * torch.log1p(kept * s), 2 * torch.pi * shells * bits, kept, STEPS, least_last)


def every(allocation: Allocation, floors: Floors | None) -> tuple[torch.Tensor, torch.Tensor]:
    """-> bits and nats of all choices that keep the floors."""
    spent, told = [], []
    for last in range(allocation.least_last, SHELLS + 1):
        picks = torch.cartesian_prod(*[torch.arange(len(STEPS))] * last).reshape(-1, last).T
        cost, gain, kept = (values[:last].gather(1, picks) for values in (allocation.cost, allocation.gain, allocation.kept))
        share = torch.zeros(SHELLS + 1, picks.shape[1], dtype=torch.float64)
        share[1 : last + 1] = kept
        held = torch.ones(picks.shape[1], dtype=torch.bool)
        if floors is not None:
            held = (floors.said @ share >= (1 - 1e-9) * floors.needed[:, None]).all(0)
        spent.append(cost.sum(0)[held])
        told.append(gain.sum(0)[held])
    return torch.cat(spent), torch.cat(told)


def floors_of(seed: int, share: float) -> Floors:
    """-> three sums to which shells add differently, of each of which so large a share is needed."""
    said = torch.rand(3, SHELLS + 1, generator=torch.Generator().manual_seed(100 + seed), dtype=torch.float64) ** 3
    said[:, 0] = 0
    return Floors(said, share * said.sum(1))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("least_last", "share"), [(SHELLS, None), (1, None), (1, 0.5), (SHELLS, 0.8)])
def test_no_other_choice_is_much_better(seed: int, least_last: int, share: float | None) -> None:
    """Of all 16,807 choices of five shells none says 1.5 % more; with floors, where whole steps count for more, none a tenth.

    With up to 1.3 times the fewest bits that floors need, choices are found from 1.15 times on, and up to a fifth is short.
    The bound of the linear program lies above the best, and what is bought rises with what is spent.
    """
    allocation = small(seed, least_last)
    floors = None if share is None else floors_of(seed, share)
    spent, said = every(allocation, floors)
    fewest, finest = float(spent.min()), float(allocation.cost.max(1).values.sum())
    before = 0.0
    for bits in torch.linspace(1.02 * fewest, finest, 12).tolist():
        best = float(said[spent <= bits + 1e-9].max())
        assert best <= most(allocation, bits, floors) + 1e-6
        chosen, tight = filled(allocation, bits, floors), floors is not None and bits < 1.3 * fewest
        if chosen is None:
            assert tight
            assert bits < 1.15 * fewest
            continue
        told = allocation.told(chosen)
        assert allocation.spent(chosen) <= bits
        least = 0.985 if floors is None else 0.8 if tight else 0.9
        assert least * best <= told <= best + 1e-9
        assert told >= before - 1e-9
        before = told


@pytest.mark.parametrize("seed", range(4))
def test_the_cheapest_choices_keep_floors_and_are_found_again(seed: int) -> None:
    """Within 15 % of the fewest bits there can be in five shells; with one bit less they are refused."""
    allocation, floors = small(seed, 1), floors_of(seed, 0.5)
    chosen = cheapest(allocation, floors)
    assert chosen is not None
    spent = allocation.spent(chosen)
    fewest = float(every(allocation, floors)[0].min())
    assert fewest <= spent + 1e-9
    assert spent <= 1.15 * fewest
    assert filled(allocation, spent, floors) is not None
    assert filled(allocation, 0.999 * fewest, floors) is None
    assert cheapest(allocation, Floors(floors.said, 1.01 * floors.said.sum(1))) is None
    assert cheapest(allocation, None).tolist() == [len(STEPS) - 1]
