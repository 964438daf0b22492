"""The pretended device refuses what a GPU would, and computes what the CPU does."""

import pytest
import torch

from tests.pretended_device import DEVICE, pretended


def test_it_computes_what_the_cpu_does() -> None:
    here = torch.randn(4, 6, generator=torch.Generator().manual_seed(0))
    with pretended() as device:
        there = here.to(device)
        spectrum = torch.fft.rfft2(there)
        assert there.device == spectrum.device == torch.zeros(2, device=device).device == DEVICE
        torch.view_as_real(spectrum)[:, 0] *= 2
        assert torch.equal(spectrum.conj().cpu()[:, 1:], torch.fft.rfft2(here).conj()[:, 1:])
        assert torch.equal(spectrum.cpu()[:, 0], 2 * torch.fft.rfft2(here)[:, 0])
        there[torch.tensor([1, 2])] = 0
        assert there.tolist() == torch.cat([here[:1], torch.zeros(2, 6), here[3:]]).tolist()


def test_it_refuses_what_a_gpu_would() -> None:
    here = torch.ones(3)
    with pretended() as device:
        there = here.to(device)
        assert (there + torch.tensor(1.0)).tolist() == [2.0, 2.0, 2.0]
        for mixed in (lambda: there + here, lambda: here @ there, lambda: there.index_add_(0, torch.tensor([1]), there[:1])):
            with pytest.raises(RuntimeError, match="one device"):
                mixed()
        with pytest.raises(RuntimeError, match="numpy"):
            there.numpy()
