"""The schemes that are compared: each once, and by a name of its own, by which an answer is found in the table."""

import pytest

from cryosense.measurement.quantisers import ByShell, Trellis, Uniform
from cryosense.measurement.quantisers.kinds import MOST_TRELLISES
from cryosense.tasks.advise.allocation import COARSE, STEPS, trellis_steps
from cryosense.tasks.advise.keeping import Keeping
from cryosense.tasks.advise.schemes import RESOLVED, bits_a_number, ladder
from tests.tasks.advise.test_predictions import BOX, signal


@pytest.mark.parametrize("particles", [200, 2000, 10**6])
@pytest.mark.parametrize("last", [3, 20, 32])
def test_every_scheme_has_a_name_of_its_own(particles: int, last: int) -> None:
    made = ladder(Keeping(signal(particles)), {RESOLVED: last, "all shells": BOX // 2})
    names = [each.name for each in made]
    assert len(set(names)) == len(names)
    assert len({f"{each.bits(BOX):.4f} {name}" for each, name in zip(made, names, strict=True)}) == len(made)


def test_bits_a_number_are_a_mean_over_numbers() -> None:
    """Shells 1 to 9 hold 90 of the 380 numbers of shells 1 to 19."""
    fine, coarse = (Uniform(step).books[0].entropy_bits for step in (0.4, 2.0))
    quantiser = ByShell([Uniform(0.4, last_shell=9), Uniform(2.0, last_shell=19)])
    assert bits_a_number(quantiser) == pytest.approx((90 * fine + 290 * coarse) / 380)


def test_all_trellises_that_shells_may_have_fit_into_one_profile() -> None:
    assert 8 <= len(trellis_steps(STEPS + COARSE)) <= MOST_TRELLISES


def test_without_trellises_there_are_none() -> None:
    made = ladder(Keeping(signal(2000)), {RESOLVED: 20}, trellises=False)
    kinds = {type(part) for each in made for part in each.quantiser.parameters.get("parts", [each.quantiser])}
    assert Trellis not in kinds
