"""Every quantiser and design obeys the laws, and what does not is told which law it breaks."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from cryosense.laws import LawError
from cryosense.measurement import FourierDesign, Identity, OperatorDesign, PixelDesign, Quantised, Quantiser
from cryosense.measurement.checks import check_design, check_quantiser
from cryosense.operators import LinearOperator
from cryosense.operators.signed_binning import SignedBinning
from tests.measurement.test_quantisers import QUANTISERS


class Rounded(Quantiser):
    """To multiples of an eighth: right."""

    step = 1 / 8

    def __call__(self, y: Tensor, operator: LinearOperator, numbers: Tensor) -> Quantised:
        bits = operator.numbers_measured.double().expand(len(numbers)) * 8
        return Quantised((y / self.step).round() * self.step, operator.row_noise_gain * self.step / 12**0.5, bits)


@pytest.mark.parametrize("make", [*QUANTISERS.values(), Identity, Rounded], ids=[*QUANTISERS, "identity", "rounded"])
def test_quantisers_obey_the_laws(make: Callable[[], Quantiser]) -> None:
    check_quantiser(make())


@pytest.mark.parametrize(
    "design",
    [FourierDesign(per_particle=True), PixelDesign(), OperatorDesign(SignedBinning, "binning", 4.0, per_particle=True)],
    ids=["fourier", "pixel", "binning"],
)
def test_designs_obey_the_laws(design: FourierDesign) -> None:
    check_design(design)


class ScaledByTheBatch(Rounded):
    def __call__(self, y: Tensor, operator: LinearOperator, numbers: Tensor) -> Quantised:
        self.step = float(y.abs().max()) / 16
        return super().__call__(y, operator, numbers)


class DitheredByChance(Rounded):
    def __call__(self, y: Tensor, operator: LinearOperator, numbers: Tensor) -> Quantised:
        return super().__call__(y + self.step * torch.rand_like(y), operator, numbers)


class Understated(Rounded):
    def __call__(self, y: Tensor, operator: LinearOperator, numbers: Tensor) -> Quantised:
        made = super().__call__(y, operator, numbers)
        return made._replace(noise_std=made.noise_std / 12**0.5)


class Shrunk(Rounded):
    def __call__(self, y: Tensor, operator: LinearOperator, numbers: Tensor) -> Quantised:
        made, gain = 0.8 * y, operator.row_noise_gain
        deviation = 0.2 * operator.row_coordinates(y).square().mean(0, keepdim=True).sqrt()
        return Quantised(made, deviation * (gain > 0), torch.full((len(y),), 8.0, dtype=torch.float64))


class OneForAll(Rounded):
    def __call__(self, y: Tensor, operator: LinearOperator, numbers: Tensor) -> Quantised:
        return super().__call__(y, operator, numbers)._replace(bits=torch.tensor([64.0]))


class Overwriting(Rounded):
    def __call__(self, y: Tensor, operator: LinearOperator, numbers: Tensor) -> Quantised:
        made = super().__call__(y, operator, numbers)
        y.copy_(made.y)
        return made


@pytest.mark.parametrize(
    ("make", "law"),
    [
        (ScaledByTheBatch, "neighbours"),
        (DitheredByChance, "the same again"),
        (Understated, "the noise that it states"),
        (Shrunk, "shrunk or stretched: what it returns is 0.8 times"),
        (OneForAll, "bits for each image"),
        (Overwriting, "left as they were"),
    ],
)
def test_a_broken_law_of_quantisers_is_named(make: type[Quantiser], law: str) -> None:
    with pytest.raises(LawError, match=law):
        check_quantiser(make())


def test_masks_drawn_by_chance_are_told() -> None:
    def by_chance(box_size: int, compression: float, *, seed: object) -> LinearOperator:
        return SignedBinning(box_size, compression, seed=int(torch.randint(2**31, ())))

    def by_order(box_size: int, compression: float, *, seed: object) -> LinearOperator:
        drawn.append(seed)
        return SignedBinning(box_size, compression, seed=len(drawn) % 3)

    drawn: list[object] = []
    with pytest.raises(LawError, match="drawn by its seed alone"):
        check_design(OperatorDesign(by_chance, "by chance", 4.0))
    with pytest.raises(LawError, match="does not depend on the others"):
        check_design(OperatorDesign(by_order, "by order", 4.0, per_particle=True))
