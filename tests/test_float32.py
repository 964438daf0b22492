"""Networks of float32 compute in float32 on a GPU too, and what a process allows is left as it was."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor
from torch.backends import cudnn

from cryosense.denoisers import Denoiser
from cryosense.float32 import float32_kept
from cryosense.measurement import FourierDesign, Measurement, acquire
from cryosense.metrics.lpips import Lpips
from cryosense.metrics.weights import empty_alexnet_features
from cryosense.reconstructors import Estimate, PseudoInverse
from cryosense.reconstructors.samplers import STATIONARY
from tests.reconstructors.test_chunks import NUMBERS, images, posterior


@pytest.fixture(params=[True, False])
def allowed(request: pytest.FixtureRequest) -> Iterator[bool]:
    before, cudnn.allow_tf32 = cudnn.allow_tf32, request.param
    yield request.param
    cudnn.allow_tf32 = before


def test_it_holds_until_the_last_is_out(allowed: bool) -> None:
    with float32_kept():
        with pytest.raises(KeyError), float32_kept():
            raise KeyError
        assert not cudnn.allow_tf32
    assert cudnn.allow_tf32 == allowed


@pytest.mark.skipif(not hasattr(cudnn, "conv"), reason="torch has no newer names")
def test_what_was_set_by_torchs_newer_names() -> None:
    before, cudnn.conv.fp32_precision = cudnn.conv.fp32_precision, "ieee"
    try:
        with float32_kept():
            assert cudnn.conv.fp32_precision == "ieee"
        assert cudnn.conv.fp32_precision == "ieee"
    finally:
        cudnn.conv.fp32_precision = before


class Telling(PseudoInverse):
    def forward(self, measurement: Measurement) -> Estimate:
        SEEN.append(cudnn.allow_tf32)
        return super().forward(measurement)


SEEN: list[bool] = []


def told(module: torch.nn.Module, *arguments: object) -> None:
    SEEN.append(cudnn.allow_tf32)


def test_reconstructors_denoisers_and_scores_keep_it(allowed: bool) -> None:
    SEEN.clear()
    measurement = acquire(images()[:2], NUMBERS[:2], FourierDesign())
    Telling()(measurement)
    denoiser = posterior(STATIONARY).denoiser
    assert isinstance(denoiser, Denoiser)
    [network] = [each for name, each in denoiser.named_children() if name == "network"]
    network.register_forward_pre_hook(told)
    denoiser(images()[:2], 5)
    scores = Lpips(empty_alexnet_features().state_dict())
    scores.slices[0].register_forward_pre_hook(told)
    big: Tensor = torch.zeros(1, 1, 32, 32)
    scores(big, big)
    assert SEEN == [False] * 4  # two calls of the network's first slice
    assert cudnn.allow_tf32 == allowed
