"""What is measured and reconstructed on another device is what is on the CPU."""

import copy
from collections.abc import Callable

import pytest
import torch

from cryosense.denoisers import GaussianFromImages
from cryosense.measurement import FourierDesign, acquire
from cryosense.reconstructors import Posterior, Reconstructor, Wiener
from tests.devices import ON_EACH_DEVICE, there
from tests.reconstructors.test_chunks import NOISE, NUMBERS, designs, images, methods

FEW = slice(0, 3)
# Of the largest pixel, after a network or a solver; on the pretended device nothing but the size of batches differs.
ROUNDING = 1e-4


@pytest.mark.parametrize("design_name", designs())
@ON_EACH_DEVICE
def test_results_agree_with_the_cpus(design_name: str, device: str) -> None:
    design = designs()[design_name]
    expected = acquire(images()[FEW], NUMBERS[FEW], design, NOISE)
    with there(device) as somewhere:
        measured = acquire(images()[FEW].to(somewhere), NUMBERS[FEW], copy.deepcopy(design), NOISE)
        moved = copy.deepcopy(expected).to(somewhere)
        assert measured.y.device.type == moved.operator.norm.device.type == somewhere.type
        torch.testing.assert_close(measured.y.cpu(), expected.y, atol=1e-4, rtol=1e-5)
        torch.testing.assert_close(measured.noise_std.cpu(), expected.noise_std, atol=1e-6, rtol=1e-5)
        different = []
        for name, method in methods().items():
            found = copy.deepcopy(method).to(somewhere)(moved).x
            assert found.device.type == somewhere.type
            here = method(expected).x
            misfit = float((found.cpu() - here).abs().max() / here.abs().max())
            different += [f"{name}: {misfit:.1e}"] if not misfit < ROUNDING else []
    assert different == []


@pytest.mark.parametrize("made", [Wiener, lambda: Posterior(GaussianFromImages(), network_evaluations=2)])
@ON_EACH_DEVICE
def test_what_is_learned_elsewhere_is_the_same(made: Callable[[], Reconstructor], device: str) -> None:
    measured = acquire(images()[FEW], NUMBERS[FEW], FourierDesign(), NOISE)
    expected = made()
    expected.fit(images()[8:], images()[8:])
    with there(device) as somewhere:
        method = made().to(somewhere)
        method.fit(*(images()[8:].to(somewhere),) * 2)
        found = method(copy.deepcopy(measured).to(somewhere)).x
        torch.testing.assert_close(found.cpu(), expected(measured).x, atol=ROUNDING, rtol=0)
