"""What is measured and reconstructed on another device is what is on the CPU."""

import copy

import pytest
import torch

from cryosense.measurement import acquire
from tests.devices import ON_EACH_DEVICE, there
from tests.reconstructors.test_chunks import NOISE, NUMBERS, designs, images, methods

CPU = torch.device("cpu")
FEW = slice(0, 3)
ROUNDING = 1e-4  # of a network's or a solver's result; on the pretended device nothing but the size of batches differs


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
            misfit = float((found.cpu() - method(expected).x).abs().max())
            different += [f"{name}: {misfit:.1e}"] if not misfit < ROUNDING else []
    assert different == []
