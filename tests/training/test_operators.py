"""Measurements to train on: fixed by their draw, spread over the range, nested for every family but one."""

import math
from functools import partial

import pytest
import torch

from cryosense import seeding
from cryosense.measurement import FourierDesign, PixelDesign
from cryosense.operators import masks
from cryosense.training.operators import DrawnMeasurement, MixedOperators, SampledOperators
from tests.operators.families import FOURIER, PIXEL

N = 32
DESIGNS = {name: partial(PixelDesign, family, 8, per_particle=False) for name, family in PIXEL.items()}
DESIGNS |= {name: partial(FourierDesign, family, True, per_particle=False) for name, family in FOURIER.items()}
DESIGNS["uniform, paper"] = partial(FourierDesign, masks.uniform, False, per_particle=False)


def test_draws_are_keyed_and_cover_the_range() -> None:
    sampled = SampledOperators(DESIGNS["uniform"], [1.5, 6.0])
    drawn = [sampled.draw(seeding.generator(0, i)) for i in range(200)]
    again = sampled.draw(seeding.generator(0, 7))
    assert (again.compression, again.seed) == (drawn[7].compression, drawn[7].seed)
    assert torch.equal(again.operator(N, 1).masks, drawn[7].operator(N, 1).masks)
    assert len({d.seed for d in drawn}) == 200
    logs = torch.tensor([math.log(d.compression) for d in drawn])
    assert float(logs.min()) >= math.log(1.5)
    assert float(logs.max()) <= math.log(6.0)
    # uniform between: mean log 3, deviation log(4) / sqrt(12) / sqrt(200) = 0.03
    assert float(logs.mean()) == pytest.approx(math.log(3.0), abs=0.12)
    assert sampled.kind == "FourierSampling"


@pytest.mark.parametrize("name", sorted(set(DESIGNS) - {"random_gaussian", "superres", "checkerboard"}))
def test_a_part_measures_nothing_that_the_whole_does_not(name: str) -> None:
    whole, part = DrawnMeasurement(DESIGNS[name], 2.0, 5).nested(0.6, N, 1)
    x = torch.randn(2, 1, N, N, generator=torch.Generator().manual_seed(0))
    seen = part.pinv(part(x))
    torch.testing.assert_close(whole.pinv(whole(seen)), seen, atol=2e-4, rtol=0)
    assert int(part.rank) < int(whole.rank)


def test_of_few_masks_one_is_held_back() -> None:
    make_design = partial(PixelDesign, PIXEL["random_binary"], 4, per_particle=False)
    counts = {c: [o.masks.shape[1] for o in DrawnMeasurement(make_design, c, 5).nested(0.9, N, 1)] for c in (1.5, 5.0, 8.0)}
    assert counts == {1.5: [11, 10], 5.0: [3, 2], 8.0: [2, 1]}


@pytest.mark.parametrize(
    ("name", "message"), [("random_gaussian", "nested"), ("superres", "nothing is left"), ("checkerboard", "nothing is left")]
)
def test_families_that_cannot_be_divided_are_refused(name: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DrawnMeasurement(DESIGNS[name], 2.0, 5).nested(0.6, N, 1)


@pytest.mark.parametrize("compression", [[2.0], [3.0, 2.0], [0.5, 2.0]])
def test_ranges_that_are_none_are_refused(compression: list[float]) -> None:
    with pytest.raises(ValueError, match="compression"):
        SampledOperators(DESIGNS["uniform"], compression)


def test_of_several_kinds_each_is_drawn_as_often_as_its_share_says() -> None:
    mixed = MixedOperators([SampledOperators(DESIGNS[name], [1.5, 2.0]) for name in ("uniform", "random_binary")], [1, 3])
    assert mixed.kind == "FourierSampling,PixelMasking"
    drawn = [mixed.draw(seeding.generator(0, i)) for i in range(400)]
    pixel = sum(each.make_design is DESIGNS["random_binary"] for each in drawn)
    assert pixel == pytest.approx(300, abs=35)  # four deviations
    for shares in ([1.0], [1.0, 0.0]):
        with pytest.raises(ValueError, match="positive share"):
            MixedOperators(mixed.parts, shares)
