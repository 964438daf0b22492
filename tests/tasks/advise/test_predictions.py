"""Predictions against closed forms: quantisers of weak signals, masks, crops, coloured noise, strong low shells."""

import math
from dataclasses import replace

import pytest
import torch
from scipy.optimize import brentq

from cryosense.errors import ArgumentError
from cryosense.measurement import FourierDesign, Full
from cryosense.measurement.quantisers import Float16, Float32, Sign, StoredQuantiser, Uniform
from cryosense.metrics import HalfMapCurves
from cryosense.metrics.shell_snr import ShellSnr
from cryosense.operators.masks import uniform
from cryosense.operators.sampling_profile import coefficients_per_shell
from cryosense.tasks.advise.allocation import STEPS, Allocation, allocated
from cryosense.tasks.advise.answers import BALANCED, MOST_STRUCTURES, NOTHING_LOST, answers
from cryosense.tasks.advise.few_levels import FewLevels
from cryosense.tasks.advise.keeping import Keeping
from cryosense.tasks.advise.prediction import Overhead, Poses, Prediction, predict
from cryosense.tasks.advise.schemes import BITS, BY_SHELL, RESOLVED, Scheme, configuration, ladder
from cryosense.tasks.advise.signal import ImagePower, Signal

BOX, PIXEL, MANY = 64, 3.0, 10**6
SHELLS = torch.arange(BOX // 2 + 1, dtype=torch.float64)
LOG_SNR = 6.0 - 0.35 * SHELLS  # 1/6 at shell 22
NOTHING = Overhead(0.0, 0.0)


def signal(particles: int = MANY, power: torch.Tensor | None = None) -> Signal:
    known = ImagePower(torch.ones_like(SHELLS) if power is None else power, 1.0)
    return Signal(ShellSnr(LOG_SNR, torch.zeros_like(LOG_SNR)), 8.0, particles, 1, PIXEL, known, torch.ones(len(SHELLS), 1))


def expected(quantiser: StoredQuantiser, **design: str) -> Prediction:
    return predict(Scheme("some", quantiser, Full(**design)), Keeping(signal()), NOTHING)


def step_of(bits: float) -> float:
    return float(brentq(lambda step: Uniform(step).books[0].entropy_bits - bits, 0.1, 6.0))


# Share of the signal-to-noise that entropy-coded uniform quantisers keep at so many bits, where the signal is weak.
@pytest.mark.parametrize(("bits", "eta"), [(0.5, 0.381), (1, 0.651), (1.5, 0.822), (2, 0.910), (2.5, 0.955), (3, 0.978)])
@pytest.mark.parametrize("domain", ["fourier", "pixel"])
def test_weak_signals_keep_eta(bits: float, eta: float, domain: str) -> None:
    made = expected(Uniform(step_of(bits)), domain=domain)
    assert made.equivalent == pytest.approx(eta, abs=2e-3)
    assert 8 * made.bytes / BOX**2 == pytest.approx(bits, abs=1e-3)
    assert made.angular_error == pytest.approx(1 / math.sqrt(eta), rel=3e-3)


def test_signs_keep_two_over_pi_in_one_bit() -> None:
    made = expected(Sign())
    assert made.equivalent == pytest.approx(2 / math.pi, abs=2e-3)
    assert 8 * made.bytes == pytest.approx(BOX**2)


def test_floats_lose_nothing_and_take_what_they_take() -> None:
    for quantiser, bits in ((Float32(), 32), (Float16(), 16), (Float32(coded=True), 26.7), (Float16(coded=True), 13.5)):
        made = expected(quantiser, domain="pixel")
        assert made.equivalent == pytest.approx(1, abs=1e-6)
        assert made.angular_error == pytest.approx(1, abs=1e-6)
        assert 8 * made.bytes / BOX**2 == pytest.approx(bits)
    assert made.unmasked == pytest.approx(BOX * PIXEL / (22 + (6 - 0.35 * 22 - math.log(1 / 6)) / 0.35), rel=0.01)


def test_flat_masks_keep_their_share() -> None:
    flat = FourierDesign(uniform, compression=2.5, per_particle=True)
    made = predict(Scheme("flat", Float32(), flat), Keeping(signal()), NOTHING)
    assert made.equivalent == pytest.approx(0.4, abs=1e-3)
    assert made.bytes == pytest.approx(4 * BOX**2 / 2.5, rel=0.05)  # a draw


def test_a_crop_ends_the_resolution_and_costs_its_shells_alone() -> None:
    whole, cropped = expected(Uniform(0.8)), expected(Uniform(0.8, last_shell=15))
    assert cropped.equivalent == pytest.approx(whole.equivalent, abs=1e-4)
    share = float(coefficients_per_shell(BOX)[:16].sum()) / BOX**2
    assert cropped.bytes == pytest.approx(share * whole.bytes, rel=1e-4)
    for found in (cropped.unmasked, cropped.masked):
        assert BOX * PIXEL / 16 < found < BOX * PIXEL / 15
    assert whole.masked < whole.unmasked < BOX * PIXEL / 20


def test_pixels_lose_most_where_the_noise_is_weak() -> None:
    """Rounding of pixels is white: a shell with a tenth of the mean power loses ten times as much of its own."""
    power = torch.where(SHELLS < 10, 0.1, 1.0)
    left = Scheme("pixels", Uniform(0.8), Full("pixel")).shares(Keeping(signal(power=power)))
    added = 1 / Uniform(0.8).books[0].eta - 1
    torch.testing.assert_close(left[5], torch.tensor(1 / (1 + 10 * added)).double(), rtol=1e-3, atol=0)
    torch.testing.assert_close(left[20], torch.tensor(1 / (1 + added)).double(), rtol=1e-3, atol=0)


def test_particles_like_these() -> None:
    few, many = signal(1000), signal(1000).of_particles(4000)
    torch.testing.assert_close(many.map_snr, 4 * few.map_snr)
    torch.testing.assert_close(many.particle_snr, few.particle_snr)
    assert float(few.particle_snr[10]) == pytest.approx(40 * math.exp(2.5) / 1000)
    assert many.last_shell(masked=False) > few.last_shell(masked=False) == 22


def test_bits_go_where_they_add_most() -> None:
    """One step for all shells that takes no more bits never says more of the map, and often less."""
    keeping = Keeping(signal(2000))  # a particle has nearly as much signal as noise in the first shells
    allocation = Allocation.of(keeping, 25)
    gain, cost = allocation.gain.sum(0), allocation.cost.sum(0)
    better = []
    for bits in BITS:
        chosen = allocation.spending(bits * math.pi * 25 * 26)
        assert allocation.spent(chosen) <= bits * math.pi * 25 * 26
        told = float(allocation.gain.gather(1, chosen[:, None]).sum())
        most = _most(gain, cost, allocation.spent(chosen))
        assert told >= most - 1e-9
        better.append(told > 1.002 * most)
        quantiser = allocated(allocation, bits)
        assert quantiser.last_shell == 25
    assert sum(better) > 5
    node = configuration(quantiser)
    assert node["_target_"].endswith(".ByShell")
    assert node["parts"][-1]["last_shell"] == 25


def _most(gain: torch.Tensor, cost: torch.Tensor, bits: float) -> float:
    """Return the most that one choice for all shells says in so many bits."""
    affordable = gain[cost <= bits]
    return float(affordable.max()) if len(affordable) else 0.0


def test_shells_that_are_alike_get_the_same_bits() -> None:
    """s of 1 / k makes every number of a particle worth the same while s is small: one choice, or two beside each other."""
    even = replace(signal(), snr=ShellSnr(-8 - SHELLS.clamp_min(1).log(), torch.zeros_like(SHELLS)))
    allocation = Allocation.of(Keeping(even), 25)
    bits = allocation.cost[1, allocation.spending(2.0 * math.pi * 25 * 26)] / coefficients_per_shell(BOX)[2]
    assert float(bits.max() - bits.min()) < 0.25
    assert float(bits.mean()) == pytest.approx(2.0, abs=0.25)
    assert allocation.spending(0.0).tolist() == allocation.cost.argmin(1).tolist()


def test_signal_is_found_in_curves() -> None:
    s = LOG_SNR.exp()
    unmasked, masked = (gain * s / (1 + gain * s) for gain in (1.0, 8.0))
    curves = HalfMapCurves(unmasked, masked, torch.zeros_like(s), 5)
    mask = torch.zeros(BOX, BOX, BOX)
    mask[16:48, 16:48, 16:48] = 1
    known = ImagePower(torch.ones_like(s), 1.0)
    found = Signal.of(curves, mask, torch.ones(len(s), 1), particles=10, views=1, pixel_size_angstrom=PIXEL, images=known)
    torch.testing.assert_close(found.snr.log_snr[1:28], LOG_SNR[1:28], atol=0.02, rtol=0)
    assert found.mask_gain == pytest.approx(8, rel=0.02)


def test_answers_are_the_cheapest_that_keep_what_they_promise() -> None:
    weak = Keeping(signal())
    made = [predict(scheme, weak, NOTHING) for scheme in ladder(weak, {RESOLVED: 28, "all shells": 32, "less": 20})]
    found = {each.name: each.prediction for each in answers(made, signal(), 28, Poses())}
    assert set(found) == {NOTHING_LOST, BALANCED, MOST_STRUCTURES}
    for name, wanted in ((NOTHING_LOST, 0.95), (BALANCED, 0.85)):
        share = found[name].equivalent
        assert share is not None
        assert wanted <= share < wanted + 0.04
        assert found[name].scheme.kind in {BY_SHELL, RESOLVED, f"trellis, {RESOLVED}"}
    kinds = {BY_SHELL, *(f"{word}{RESOLVED}" for word in ("", "trellis, ", "signs, "))}
    fitting = [each for each in made if each.scheme.kind in kinds]
    assert found[MOST_STRUCTURES].per_byte == max(each.per_byte for each in fitting)
    assert {each.scheme.quantiser.parameters.get("step") for each in made} >= set(STEPS)


def test_poses_that_are_sought_need_what_they_need() -> None:
    strong = Keeping(signal(2000))
    made = [predict(scheme, strong, NOTHING) for scheme in ladder(strong, {RESOLVED: 28})]
    most = max(each.pose_nats for each in made)
    cheap = {each.name: each.prediction.bytes for each in answers(made, signal(2000), 28, Poses())}
    floor = Poses("unknown", 0.97 * most)
    found = {each.name: each.prediction for each in answers(made, signal(2000), 28, floor)}
    assert found[MOST_STRUCTURES].pose_nats >= 0.97 * most
    assert found[MOST_STRUCTURES].bytes > cheap[MOST_STRUCTURES]
    assert not answers(made, signal(2000), 28, Poses("unknown", 2 * most))
    for wrong in (("found", 100.0), ("unknown", 5.0)):
        with pytest.raises(ArgumentError):
            Poses(*wrong)


def test_overhead_is_shared_by_the_particles() -> None:
    assert Overhead(30.0, 1000.0).total(80.0, 100) == 50


def test_images_of_few_levels_are_told_from_others() -> None:
    noise = torch.randn(4, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    assert FewLevels.of(noise) is None
    found = FewLevels.of(noise.sign())
    assert found is not None
    assert found.levels == 2
    assert found.bits == pytest.approx(1, abs=0.01)
    counts = FewLevels.of((3 * noise).round())
    assert counts is not None
    assert counts.bits == pytest.approx(math.log2(3 * math.sqrt(2 * math.pi * math.e)), abs=0.05)
