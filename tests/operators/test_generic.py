"""Operators of which only forward and adjoint are known: the same laws, the same methods, the same command."""

import math

import pytest
import torch
from torch import Tensor

from cryosense.errors import DecompositionError
from cryosense.laws import LawError
from cryosense.measurement import GaussianNoise, OperatorDesign, acquire
from cryosense.operators import Each, LinearOperator, PixelMasking, generic, masks
from cryosense.operators.checks import check_operator
from cryosense.operators.signed_binning import SignedBinning
from tests.operators.families import dense

N = 16


class Matrix(LinearOperator):
    """Any matrix (k, n^2), its measurements in a row."""

    matrix: Tensor

    def __init__(self, matrix: Tensor) -> None:
        super().__init__()
        self.box_size = round(matrix.shape[1] ** 0.5)
        self.register_buffer("matrix", matrix)

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1) @ self.matrix.T

    def adjoint(self, y: Tensor) -> Tensor:
        return (y @ self.matrix).reshape(-1, 1, self.box_size, self.box_size)


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


PLAIN: dict[str, LinearOperator] = {
    "wide": Matrix(random(20, 64)),
    "tall": Matrix(random(90, 64)),
    "rank-deficient": Matrix(random(40, 15) @ random(15, 64, seed=1)),
    "sums only": Matrix(random(20, 64).abs()),
    "signed binning": SignedBinning(N, 4.0),
    "each": Each(SignedBinning(N, 4.0, seed=(0, i)) for i in range(3)),
}


@pytest.mark.parametrize("operator", PLAIN.values(), ids=PLAIN)
def test_they_obey_the_laws(operator: LinearOperator) -> None:
    check_operator(operator)


@pytest.mark.parametrize("name", [name for name in PLAIN if name != "each"])
def test_they_are_what_the_matrix_says(name: str) -> None:
    a = PLAIN[name].double_precision()
    matrix = dense(a, 0, 1)
    assert int(a.rank) == int(torch.linalg.matrix_rank(matrix))
    torch.testing.assert_close(a.norm[0], torch.linalg.matrix_norm(matrix, 2), rtol=1e-4, atol=0)
    torch.testing.assert_close(a.measurement_norms.flatten(), torch.linalg.vector_norm(matrix, dim=1))
    y = random(1, *a.measurement_shape)
    torch.testing.assert_close(a.pinv(y).flatten(), torch.linalg.pinv(matrix) @ y.flatten(), atol=1e-7, rtol=1e-6)
    assert a.adds_only == bool((matrix >= 0).all())


def test_a_decomposition_that_is_known_and_one_that_is_computed_agree() -> None:
    """The same masks, once with their blocks' decompositions and once as nothing but two maps."""
    known = PixelMasking(masks.random_binary(N, 8), 4).double_precision()

    class Unknown(LinearOperator):
        box_size = N

        def forward(self, x: Tensor) -> Tensor:
            return known(x)

        def adjoint(self, y: Tensor) -> Tensor:
            return known.adjoint(y)

        @property
        def _like(self) -> Tensor:
            return torch.zeros((), dtype=torch.float64)

    plain, y, z = Unknown(), random(3, 8, 4, 4), random(3, 1, N, N)
    close = torch.testing.assert_close
    close(plain.pinv(y), known.pinv(y), atol=1e-6, rtol=0)
    close(plain.data_step(z, y, 0.3), known.data_step(z, y, 0.3), atol=1e-6, rtol=0)
    close(plain.measured_shares, known.measured_shares, atol=1e-6, rtol=0)
    close(plain.measurement_norms, known.measurement_norms)
    assert int(plain.rank) == int(known.rank)
    spectrum = torch.ones(N, N, dtype=torch.float64)
    noise = GaussianNoise(0.3, "measurement", "after", 0)
    means = [a.stationary_posterior_mean(y, spectrum, noise.row_std(a))[0] for a in (plain, known)]
    close(*means, atol=1e-5, rtol=0)


def test_what_is_too_large_is_estimated_or_refused() -> None:
    """Twice as many numbers as are decomposed: the rank to three standard errors."""
    large = SignedBinning(128, 1.0)
    with pytest.raises(DecompositionError, match="derive it from Decomposed"):
        large.row_forward(torch.zeros(1, 1, 128, 128))
    half = SignedBinning(128, 4.0)  # 4,096 numbers: too many for an exact rank unless one asks for coordinates
    assert int(half.rank) == pytest.approx(4096, abs=3 * (4096 * 0.75 / 16) ** 0.5)


def test_each_particle_has_its_own() -> None:
    design = OperatorDesign(SignedBinning, "signed_binning", 4.0, per_particle=True)
    x, numbers = torch.randn(3, 1, N, N), torch.tensor([4, 0, 2])
    together = acquire(x, numbers, design)
    assert together.operator.mask_sets == 3
    alone = acquire(x[1:2], numbers[1:2], design)
    assert torch.equal(alone.y, together.y[1:2])
    assert torch.equal(alone.operator.pinv(alone.y), together.operator.pinv(together.y)[1:2])


@pytest.mark.parametrize(("shape", "seen"), [((7,), (3, 3)), ((1,), (1, 1)), ((10,), (3, 4)), ((2, 5), (2, 5))])
def test_every_measurement_has_a_picture_that_can_be_seen(shape: tuple[int, ...], seen: tuple[int, ...]) -> None:
    y = torch.arange(1.0, 2 * math.prod(shape) + 1).reshape(2, *shape)
    shown = generic.pictures(y)
    assert shown.shape == (2, *seen)
    assert torch.equal(shown.flatten(1)[:, : math.prod(shape)], y.flatten(1))
    assert not shown.flatten(1)[:, math.prod(shape) :].any()


def test_a_broken_law_is_named() -> None:
    class Wrong(SignedBinning):
        def adjoint(self, y: Tensor) -> Tensor:
            return 2 * super().adjoint(y)

    with pytest.raises(LawError, match="adjoint, <A x, y>"):
        check_operator(Wrong(N))

    class Affine(SignedBinning):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x) + 1

    with pytest.raises(LawError, match="linear"):
        check_operator(Affine(N))

    class Batchwise(SignedBinning):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x - x.mean(0, keepdim=True))

        def adjoint(self, y: Tensor) -> Tensor:
            x = super().adjoint(y)
            return x - x.mean(0, keepdim=True)

    with pytest.raises(LawError, match="neighbours, A:"):
        check_operator(Batchwise(N))

    class Drawing(SignedBinning):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x + 1e-3 * torch.randn_like(x))

    with pytest.raises(LawError, match="draws nothing"):
        check_operator(Drawing(N))

    class Overwriting(SignedBinning):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x.sub_(x.mean()))

    with pytest.raises(LawError, match="leaves the images"):
        check_operator(Overwriting(N))

    class Outside(SignedBinning):
        def forward(self, x: Tensor) -> Tensor:
            return torch.from_numpy(super().forward(x).detach().numpy())

    with pytest.raises(LawError, match="gradients flow"):
        check_operator(Outside(N))
