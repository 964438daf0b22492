"""Scores of pairs of images: no pair depends on others, offsets and scales cost no digits, loops are what torch computes."""

import importlib
import subprocess
import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.metrics import structural_similarity
from torch import Tensor

from cryosense.fourier import from_half_spectrum, half_spectrum
from cryosense.metrics import frc, ssim
from cryosense.metrics.pairs import LOOPS, ImagePairs
from cryosense.metrics.score_table import SCORES, Score

importlib.import_module(LOOPS)  # they are what is tested
COMPUTED = [score for score in SCORES if score.function is not None]


def drawn(size: int, images: int = 11, seed: int = 0) -> tuple[Tensor, Tensor]:
    reference, noise = torch.randn(2, images, 1, size, size, generator=torch.Generator().manual_seed(seed)) / 4
    return reference + noise, reference


@pytest.mark.parametrize("size", [16, 31, 128])
@pytest.mark.parametrize("score", COMPUTED, ids=lambda score: score.name)
def test_a_pair_has_the_same_bits_alone_and_among_others(score: Score, size: int, threads: int) -> None:
    assert score.function is not None
    x, reference = drawn(size)
    together = score.function(x, reference)
    for few in (1, 2, 3, 8):
        parts = [score.function(*pair) for pair in zip(x.split(few), reference.split(few), strict=True)]
        assert torch.equal(torch.cat(parts), together)
    assert torch.equal(score.function(x.flip(0), reference.flip(0)).flip(0), together)
    assert torch.equal(score.function(x.mT.contiguous().mT, reference[:, :, ::1]), together)  # laid out otherwise in memory


@pytest.mark.parametrize("size", [16, 31, 128])
@pytest.mark.parametrize("score", COMPUTED, ids=lambda score: score.name)
def test_compiled_loops_have_the_bits_that_torch_has(score: Score, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that torch may score few images, and loops are loaded for many."""
    assert score.function is not None
    x, reference = drawn(size)
    by_loops, loops = score.function(x, reference), ImagePairs(x, reference).arrays
    monkeypatch.delitem(sys.modules, LOOPS)
    assert loops is not None
    assert ImagePairs(x, reference).arrays is None
    assert torch.equal(by_loops, score.function(x, reference))


IN_TURN = """
import sys, torch
from cryosense.metrics.scores import FEW, Scores

images, scores = torch.zeros(FEW, 1, 8, 8), Scores(None)
for _ in range(2):
    scores(images, images)
    print("numba" in sys.modules)
"""


def test_loops_are_loaded_for_many_images_and_not_for_few() -> None:
    said = subprocess.run([sys.executable, "-c", IN_TURN], capture_output=True, text=True, check=True).stdout.split()
    assert said == ["False", "True"]


@pytest.mark.parametrize("score", COMPUTED, ids=lambda score: score.name)
def test_single_precision_is_enough(score: Score) -> None:
    assert score.function is not None
    x, reference = drawn(40)
    torch.testing.assert_close(
        score.function(x, reference), score.function(x.double(), reference.double()), atol=1e-6, rtol=1e-12
    )


@settings(deadline=None, max_examples=40)
@given(
    size=st.integers(7, 40),
    offsets=st.tuples(st.floats(-1e4, 1e4), st.floats(-1e4, 1e4)),
    same_offset=st.booleans(),
    scale=st.floats(1e-4, 1e2),
    seed=st.integers(0, 99),
)
def test_ssim_is_scikit_images_whatever_the_offset_and_scale(
    size: int, offsets: tuple[float, float], same_offset: bool, scale: float, seed: int
) -> None:
    x, reference = drawn(size, 2, seed)
    x, reference = scale * x + offsets[0], scale * reference + offsets[0 if same_offset else 1]
    pairs = list(zip(((x.double() + 1) / 2).numpy()[:, 0], ((reference.double() + 1) / 2).numpy()[:, 0], strict=True))
    theirs = torch.tensor([structural_similarity(*pair, data_range=1) for pair in pairs])
    torch.testing.assert_close(ssim(x, reference), theirs, atol=1e-5, rtol=0)
    torch.testing.assert_close(ssim(x.clone().requires_grad_(), reference).detach(), theirs, atol=1e-5, rtol=0)


def test_an_image_is_wholly_like_itself() -> None:
    x, _ = drawn(24)
    assert torch.equal(ssim(x + 100, x + 100), torch.ones(len(x), dtype=torch.float64))


@settings(deadline=None, max_examples=20)
@given(offset=st.integers(-(2**12), 2**12), scale=st.floats(1e-3, 1e3))
def test_rings_of_images_with_an_offset_are_those_without(offset: int, scale: float) -> None:
    """Offsets are whole numbers, and pixels too, so that images in single precision hold both exactly."""
    x, reference = (torch.round(64 * image) for image in drawn(32, 3))
    expected = frc(x, reference)
    torch.testing.assert_close(frc(x + offset, reference - offset)[:, 1:], expected[:, 1:], atol=1e-5, rtol=0)
    torch.testing.assert_close(frc(scale * x, reference), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("fall", [2, 3, 4])
def test_rings_in_single_precision_are_as_good_as_their_power(fall: int) -> None:
    """Of images whose rings fall as a power of the frequency, as those of particles do."""
    n = 128
    radius = torch.fft.fftfreq(n, 1 / n)[:, None].hypot(torch.arange(n // 2 + 1))
    x, reference = (from_half_spectrum(half_spectrum(image, 2) / (1 + radius) ** fall, n, 2) for image in drawn(n, 4))
    error = (frc(x, reference) - frc(x.double(), reference.double())).abs()
    shells = torch.arange(n // 2 + 1)
    mean_power = ((1 + radius) ** (-2 * fall)).mean()
    allowed = 1e-6 * (mean_power * (1 + shells) ** (2 * fall)).sqrt() + 1e-9
    assert bool((error <= allowed).all())
