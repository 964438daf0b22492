"""Unrolled solvers: untrained they are the bench's iterations, gradients are those of finite differences, images are alone."""

from functools import partial
from itertools import cycle

import pytest
import torch

from cryosense.measurement import Design, FourierDesign, PixelDesign
from cryosense.operators import LinearOperator, masks
from cryosense.reconstructors import ADMM, FISTA, Sparse
from cryosense.reconstructors.unrolled import (
    BandedBasis,
    DCTBands,
    UnrolledADMM,
    UnrolledFISTA,
    UnrolledNetwork,
    UnrolledSolver,
    WaveletBands,
)
from tests.operators.families import designs

BASES: dict[str, BandedBasis] = {"dct": DCTBands(4), "haar": WaveletBands("haar", 3), "db2": WaveletBands("db2", 2)}
NAMES = list(designs(per_particle=False))
# Every operator with one basis, in turns: how one treats an operator does not depend on the basis of its prior.
EVERY_OPERATOR = pytest.mark.parametrize(("name", "basis"), list(zip(NAMES, cycle(BASES), strict=False)))
EVERY_BASIS = pytest.mark.parametrize("basis", BASES)
WEIGHT, ITERATIONS = 0.1, 6


def images(count: int, n: int) -> torch.Tensor:
    return torch.randn(count, 1, n, n, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def solvers(basis: str, iterations: int = ITERATIONS) -> dict[str, UnrolledSolver]:
    """-> untrained solvers of a basis, beside the bench's methods of the same names below."""
    return {
        "admm": UnrolledADMM(BASES[basis], WEIGHT, relaxation=1.8, penalty=0.7, iterations=iterations),
        "fista": UnrolledFISTA(BASES[basis], WEIGHT, iterations=iterations),
    }


NEVER = -1.0  # a gap that is not reached
METHODS = {"admm": ADMM(1.8, 0.7, NEVER, ITERATIONS, 1), "fista": FISTA(NEVER, ITERATIONS, 1)}


def network() -> UnrolledNetwork:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return UnrolledNetwork(3, 8, 1.0, 0.01)


def disturbed(solver: UnrolledSolver, scale: float = 0.1) -> UnrolledSolver:
    """-> the solver with all its parameters moved, as by training."""
    random = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in solver.parameters():
            parameter += scale * torch.randn(parameter.shape, generator=random)
    return solver


@EVERY_OPERATOR
def test_untrained_they_are_the_benchs_iterations(name: str, basis: str) -> None:
    """For every operator, basis and method, in double precision: what float32 buffers hold is the difference allowed."""
    n = 32
    operator = designs(per_particle=False)[name].operator(n, torch.arange(1)).double_precision()
    y = operator(images(2, n))
    for method, solver in solvers(basis).items():
        bench = Sparse(BASES[basis].prior, WEIGHT * operator.mean_diagonal, METHODS[method])
        expected = bench(y, operator)
        assert expected.iterations is not None
        assert expected.iterations.tolist() == [ITERATIONS] * 2
        torch.testing.assert_close(solver.double().reconstruct(y, operator), expected.x, atol=1e-6, rtol=0)


def test_masks_per_particle_are_as_each_alone() -> None:
    design = designs(per_particle=True)["pixel-random_binary-K4-C2.0"]
    both = design.operator(32, torch.arange(2))
    y = both(images(2, 32).float())
    for solver in [*solvers("haar").values(), network()]:
        solver = disturbed(solver)
        together = solver.reconstruct(y, both)
        for i in range(2):
            own = design.operator(32, torch.tensor([i]))
            torch.testing.assert_close(solver.reconstruct(y[i : i + 1], own), together[i : i + 1], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", ["pixel-random_binary-K4-C2.0", "fourier-radial-symmetric", "fourier-uniform-paper"])
@pytest.mark.parametrize("kind", ["admm", "fista", "cnn"])
def test_an_image_is_the_same_to_the_bit_in_any_batch(kind: str, name: str) -> None:
    operator = designs(per_particle=False)[name].operator(32, torch.arange(1))
    solver = disturbed((solvers("dct") | {"cnn": network()})[kind])
    y = operator(images(21, 32).float())
    whole = solver.reconstruct(y, operator)
    for part in (slice(0, 1), slice(5, 8), slice(20, 21)):
        assert torch.equal(solver.reconstruct(y[part], operator), whole[part])


SMALL: dict[str, Design] = {
    "random_binary": PixelDesign(partial(masks.random_binary, keep_probability=0.5), 4, 2.0, False, 3),
    "random_gaussian": PixelDesign(masks.random_gaussian, 2, 2.0, False, 3),
    "checkerboard": PixelDesign(partial(masks.checkerboard, cell_pixels=2, keep_probability=0.5), 4, 2.0, False, 3),
    "superres": PixelDesign(masks.superres, 2, 4.0, False, 3),
    "uniform": FourierDesign(masks.uniform, True, 2.0, False, 3),
    "uniform, paper": FourierDesign(masks.uniform, False, 2.0, False, 3),
    "ring": FourierDesign(partial(masks.ring, bands=8, width_fraction=0.25), True, 2.0, False, 3),
    "radial": FourierDesign(partial(masks.radial, sectors=20), True, 2.0, False, 3),
}


def kinds() -> dict[str, UnrolledSolver]:
    """-> every solver and basis, two iterations each."""
    made: dict[str, UnrolledSolver] = {f"{k} {b}": s for b in BASES for k, s in solvers(b, iterations=2).items()}
    return made | {"cnn": network()}


@pytest.mark.parametrize(("kind", "masks_of"), list(zip([*kinds(), *kinds()], cycle(SMALL), strict=False)))
def test_gradients_are_those_of_finite_differences(kind: str, masks_of: str) -> None:
    """With respect to the measurement and to every parameter, in float64 (gradcheck), by a random projection of the result."""
    operator: LinearOperator = SMALL[masks_of].operator(8, torch.arange(1)).double_precision()
    solver = disturbed(kinds()[kind]).double()
    y = operator(images(2, 8)).requires_grad_()

    def result(y: torch.Tensor, *parameters: torch.Tensor) -> torch.Tensor:
        names = [name for name, _ in solver.named_parameters()]
        return torch.func.functional_call(solver, dict(zip(names, parameters, strict=True)), (y, operator))

    parameters = [p.detach().clone().requires_grad_() for p in solver.parameters()]
    assert torch.autograd.gradcheck(result, (y, *parameters), fast_mode=True)


@pytest.mark.parametrize("kind", list(kinds()))
def test_checkpointing_changes_no_gradient_and_keeps_less(kind: str) -> None:
    operator = SMALL["radial"].operator(8, torch.arange(1))
    y = operator(images(2, 8).float())
    found = []
    for checkpointing in (False, True):
        solver = disturbed(kinds()[kind])
        solver.checkpointing = checkpointing
        kept: list[int] = []
        with torch.autograd.graph.saved_tensors_hooks(partial(_counted, kept), lambda x: x):
            loss = solver(y, operator).square().mean()
        loss.backward()
        found.append((sum(kept), [p.grad for p in solver.parameters()]))
    (all_kept, gradients), (less_kept, again) = found
    assert less_kept < all_kept / 2
    for ours, theirs in zip(gradients, again, strict=True):
        torch.testing.assert_close(ours, theirs)


def _counted(kept: list[int], x: torch.Tensor) -> torch.Tensor:
    kept.append(x.numel() * x.element_size())
    return x


@EVERY_BASIS
def test_bands_divide_the_coefficients(basis: str) -> None:
    for n in (32, 64):
        bands = BASES[basis].bands(n)
        assert set(bands.flatten().tolist()) == set(range(BASES[basis].count))
        coarse = BASES[basis].prior.basis.coarse(n)
        assert len(set(bands[coarse].tolist())) == 1
    assert torch.equal(DCTBands(4).bands(64)[::2, ::2], DCTBands(4).bands(32))  # relative to the box
