"""The Lightning module of unrolled solvers: its draws, its memory."""

from functools import partial

import pytest
import torch

from cryosense.measurement import FourierDesign
from cryosense.operators import masks
from cryosense.reconstructors.unrolled import DCTBands, UnrolledADMM, UnrolledNetwork, UnrolledSolver
from cryosense.training.batches import Batch
from cryosense.training.losses import AgainstClean
from cryosense.training.operators import SampledOperators
from cryosense.training.unrolled import TRAINING_DRAW, VALIDATION_DRAW, UnrolledTraining
from tests.training.networks import optimisation

GIBIBYTE = 2**30
UNIFORM = partial(FourierDesign, masks.uniform, True, per_particle=False)


def training(make_network: object, checkpointing: bool = False) -> UnrolledTraining:
    return UnrolledTraining(
        make_network,  # type: ignore[arg-type]
        SampledOperators(UNIFORM, [1.5, 5.0]),
        AgainstClean(),
        optimisation(),
        checkpointing=checkpointing,
        seed=3,
    )


def admm() -> UnrolledADMM:
    return UnrolledADMM(DCTBands(8), 0.3, 1.8, 0.7, 10)


def batch(count: int, n: int) -> Batch:
    x = torch.randn(count, 1, n, n, generator=torch.Generator().manual_seed(0))
    return Batch(x, torch.arange(count), 0, x)


def test_losses_are_keyed_by_seed_number_and_stream() -> None:
    module, images = training(admm), batch(2, 16)
    first = module.losses(images, 5, TRAINING_DRAW)
    assert torch.equal(first, training(admm).losses(images, 5, TRAINING_DRAW))
    assert not torch.equal(first, module.losses(images, 6, TRAINING_DRAW))
    assert not torch.equal(first, module.losses(images, 5, VALIDATION_DRAW))


@pytest.mark.parametrize("make_network", [admm, partial(UnrolledNetwork, 10, 32, 1.0, 0.01)], ids=["dct", "cnn"])
def test_ten_iterations_at_128_px_fit_the_memory(make_network: object) -> None:
    """What is kept for the backward pass of a batch of 16, which grows with the number of images: under 4 GiB."""
    module = training(make_network)
    kept: dict[int, int] = {}

    def note(tensor: torch.Tensor) -> torch.Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda x: x):
        loss = module.losses(batch(2, 128), 0, TRAINING_DRAW).mean()
    loss.backward()
    assert all(p.grad is not None for p in module.network.parameters())
    assert 8 * sum(kept.values()) < 4 * GIBIBYTE
    assert isinstance(module.network, UnrolledSolver)
