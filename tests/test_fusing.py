"""Networks that torch compiles say what they said, and are compiled once; what cannot be is refused."""

from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch._dynamo.utils import counters

from cryosense.denoisers import DDPMDenoiser
from cryosense.errors import ArgumentError
from cryosense.fusing import fuse
from cryosense.operators import FourierSampling, masks
from cryosense.reconstructors import PseudoInverse, Unrolled
from tests.denoisers.test_ddpm import N, network
from tests.reconstructors.sampling_networks import small
from tests.training.networks import scheduler

ROUNDING = 1e-4  # of the largest pixel
COUNT = 11  # not a multiple of what networks see at a time


def assert_nearly_the_same(found: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(found, expected, atol=ROUNDING * float(expected.abs().max()), rtol=0)


@pytest.mark.slow
def test_a_diffusion_model_says_the_same_at_every_timestep_and_is_compiled_once() -> None:
    x = torch.randn(COUNT, 1, N, N, generator=torch.Generator().manual_seed(1))
    plain, fused = (DDPMDenoiser(network(), scheduler().alphas_cumprod, "epsilon", None) for _ in range(2))
    fuse([fused.network])
    before = counters["stats"]["unique_graphs"]
    for timestep in range(10, 1000, 90):
        with torch.no_grad():
            assert_nearly_the_same(fused(x, timestep), plain(x, timestep))
    assert counters["stats"]["unique_graphs"] == before + 1


@pytest.mark.slow
def test_samples_of_a_told_network_are_the_same() -> None:
    operator = FourierSampling(masks.radial(N, 0.4, sectors=8, seed=0, symmetric=True))
    y = operator(torch.randn(COUNT, 1, N, N, generator=torch.Generator().manual_seed(2)))
    plain, fused = small(), small()
    fuse(fused.networks())
    assert_nearly_the_same(fused(y, operator).x, plain(y, operator).x)


def test_a_method_without_a_network_is_refused() -> None:
    for method in (PseudoInverse(), Unrolled("shipped:one_molecule")):
        assert bool(method.networks()) == isinstance(method, Unrolled)
    with pytest.raises(ArgumentError, match="compile=true: this reconstructor runs no network"):
        fuse(PseudoInverse().networks())


def test_a_machine_without_a_compiler_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CXX", str(tmp_path / "no-compiler"))
    model = torch.nn.Linear(2, 2)
    with pytest.raises(ArgumentError, match=r"compile=true: torch needs a C\+\+ compiler, and there is no .*no-compiler"):
        fuse([model])
    assert model(torch.zeros(1, 2)).shape == (1, 2)  # as it was
