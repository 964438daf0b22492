"""Profiles of bits for known spectra: beside closed forms, beside one step for all shells, under what poses need."""

import math
from dataclasses import replace

import pytest
import torch

from cryosense.alignment.turning import Turns
from cryosense.errors import ArgumentError
from cryosense.metrics.shell_snr import ShellSnr
from cryosense.tasks.advise.prediction import Overhead
from cryosense.tasks.advise.signal import Signal
from cryosense.tasks.design.bit_design import BitDesign
from cryosense.tasks.design.budget import Budget
from cryosense.tasks.design.files import profile, summarised
from cryosense.tasks.design.known import Known
from cryosense.tasks.design.making import Designed
from cryosense.tasks.mask_design.alignment_floor import AlignmentFloor

BOX, PIXEL, MANY = 64, 3.0, 10**6
SHELLS = torch.arange(BOX // 2 + 1, dtype=torch.float64)
LOG_SNR = 6.0 - 0.35 * SHELLS  # 1/6 at shell 22
FREE = AlignmentFloor("known")


def turned() -> Turns:
    """What turns change: one that all shells tell alike, and small ones that fine shells tell."""
    return Turns(torch.tensor([180.0]), torch.ones(1, len(SHELLS), dtype=torch.float64), SHELLS[None] ** 2)


def known(log_snr: torch.Tensor = LOG_SNR, particles: int = MANY, overhead: Overhead | None = None) -> Known:
    signal = Signal(ShellSnr(log_snr, torch.zeros_like(log_snr)), 4.0, particles, 1, PIXEL, None, torch.ones(len(SHELLS), 1))
    return Known(signal, particles, turned(), overhead)


def design(of: Known, alignment: AlignmentFloor = FREE, resolution: float | None = None, **budget: float) -> Designed:
    return BitDesign(Budget(**budget), alignment, resolution).make(of)


def bits(made: Designed) -> float:
    """-> spent, a pixel."""
    return made.expected.scheme.bits(BOX) / BOX**2


def test_more_bits_never_say_less_and_more_than_one_step_does() -> None:
    budgets = (0.1, 0.2, 0.4, 0.7, 1.0, 1.4)
    made = [design(known(), bits_per_pixel=each) for each in budgets]
    shares = [each.expected.equivalent or 0.0 for each in made]
    assert shares == sorted(shares)
    for each, wanted in zip(made, budgets, strict=True):
        assert bits(each) == pytest.approx(wanted, rel=0.01)
        assert each.of_the_most > 0.995
    flat = [each.flat.equivalent for each in made if each.flat is not None and each.flat.equivalent is not None]
    assert len(flat) >= 5
    assert all(share > rival for share, rival in zip(shares[-len(flat) :], flat, strict=True))


def test_where_all_numbers_are_worth_the_same_all_shells_get_the_same() -> None:
    """s of 1 / k, where it is small: bits by shell have nothing to gain there, and hardly differ."""
    even = known(0.3 - SHELLS.clamp_min(1).log())
    table = profile(even, design(even, resolution=BOX * PIXEL / 32, bits_per_pixel=1.5))
    spent = table["bits_per_number"][8:]
    assert spent.max() - spent.min() < 0.5
    assert spent.min() > 1


def test_shells_end_where_bits_are_worth_more_elsewhere() -> None:
    few, many = (design(known(), bits_per_pixel=each) for each in (0.05, 1.0))
    last = [each.quantiser.last_shell or BOX // 2 for each in (few, many)]
    assert last[0] < last[1] <= many.last_shell
    wanted = design(known(), resolution=BOX * PIXEL / 20, bits_per_pixel=0.2)
    assert wanted.quantiser.last_shell is not None
    assert wanted.quantiser.last_shell >= 21
    assert bool((wanted.left[1:22] > 0).all())


@pytest.mark.parametrize("share", [0.5, 0.8, 0.95])
def test_a_share_is_had_for_the_fewest_bits(share: float) -> None:
    made = design(known(), share=share)
    assert made.expected.equivalent == pytest.approx(share, abs=5e-3)
    assert (made.expected.equivalent or 0.0) >= share
    less = design(known(), bits_per_pixel=0.97 * bits(made))
    assert (less.expected.equivalent or 0.0) < share


def test_bytes_are_all_that_is_in_the_file() -> None:
    of = known(overhead=Overhead(40.0, 5000.0))
    made = design(of, bytes_per_particle=200.0)
    assert 198 < made.expected.bytes <= 200
    assert design(of, bytes_per_particle=10**4).expected.bytes < 4 * BOX**2
    for asked, message in ((30.0, "at least 4. bytes"), (None, "the particles in the place of a pilot")):
        with pytest.raises(ArgumentError, match=message):
            design(of if asked else known(), bytes_per_particle=asked or 200.0)


@pytest.mark.parametrize("factor", [1.1, 1.25, 1.6])
def test_what_poses_need_is_kept(factor: float) -> None:
    """Small turns are told by fine shells, which the map alone gives few bits to: the floor moves bits there, or refuses."""
    of = known(LOG_SNR, 2000)
    alignment = AlignmentFloor(error_factor=factor)
    asked = BitDesign(Budget(bits_per_pixel=0.8), alignment)
    floors = asked.floors(of)
    assert floors is not None
    made = asked.make(of)
    assert float(floors.short(made.left).max()) <= 1e-6
    said = summarised(asked, of, made)
    assert float(said["pose_error_factor"]) <= factor + 1e-6  # type: ignore[arg-type]
    with pytest.raises(
        ArgumentError, match=r"^bits_per_pixel=0\.05 leaves less than .* poses need .*: at least bits_per_pixel="
    ) as refused:
        design(of, alignment, bits_per_pixel=0.05)
    least = float(str(refused.value).rpartition("=")[2])
    assert bits(design(of, alignment, bits_per_pixel=least)) <= least
    with pytest.raises(ArgumentError, match="no quantiser leaves"):
        design(of, AlignmentFloor(error_factor=1.0), bits_per_pixel=2.0)


def test_what_cannot_be_had_is_refused() -> None:
    for changes, message in (
        ({}, "give one of"),
        ({"share": 0.5, "bits_per_pixel": 1.0}, "give one of"),
        ({"share": 1.0}, "below 1"),
        ({"bits_per_pixel": -1.0}, "above 0"),
        ({"share": 0.999}, "the finest quantisers leave 0.9"),
    ):
        with pytest.raises(ArgumentError, match=message):
            design(known(), **changes)
    with pytest.raises(ArgumentError, match="nothing is expected beyond"):
        design(known(), resolution=4.0, bits_per_pixel=1.0)
    with pytest.raises(ArgumentError, match=r"at least bits_per_pixel=0\.0"):
        design(known(), resolution=BOX * PIXEL / 20, bits_per_pixel=0.01)
    without = replace(known(), turns=None)
    with pytest.raises(ArgumentError, match="half maps, which are not there"):
        design(without, AlignmentFloor(), bits_per_pixel=1.0)
    assert math.isinf(design(known(), bits_per_pixel=0.002).expected.unmasked) is False
