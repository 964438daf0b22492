"""What belongs to one measurement, and what it is without being told."""

import pytest
import torch

from cryosense.measurement import Measurement
from cryosense.measurement.measurement import MeasurementError
from cryosense.operators import FourierSampling, masks
from cryosense.reconstructors import PseudoInverse

N = 16
OPERATOR = FourierSampling(masks.uniform(N, 0.5, symmetric=True, seed=0))
Y = OPERATOR(torch.randn(3, 1, N, N, generator=torch.Generator().manual_seed(0)))


def test_what_is_not_given_is_no_noise_and_the_numbers_from_zero_on() -> None:
    plain = Measurement(Y, OPERATOR)
    assert plain.numbers.tolist() == [0, 1, 2]
    assert not bool(plain.noise_std.any())
    assert plain.bits.tolist() == OPERATOR.measurement_bits(32).tolist() * 3
    assert torch.equal(PseudoInverse()(Y, OPERATOR).x, PseudoInverse()(plain).x)


@pytest.mark.parametrize(
    "changes",
    [
        {"numbers": torch.arange(2)},
        {"bits": torch.ones(1)},
        {"noise_std": torch.ones(2, 1, N, N)},
        {"operator": FourierSampling(OPERATOR.masks.expand(2, -1, -1))},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_parts_of_another_count_are_refused(changes: dict) -> None:
    with pytest.raises(MeasurementError, match=f"{next(iter(changes))}.*: [12]"):
        Measurement(Y, **({"operator": OPERATOR} | changes))
