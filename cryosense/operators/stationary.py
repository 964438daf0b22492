"""The linear minimum-mean-square estimate under a stationary Gaussian model of the image."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from cryosense import fourier
from cryosense.solvers.linear import conjugate_gradients
from cryosense.solvers.steps import image_sum

Map = Callable[[Tensor], Tensor]


def posterior_mean(
    row_forward: Map, row_adjoint: Map, coordinates: Tensor, row_std: Tensor, spectrum: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Solve ``x = S V (V^T S V + Sigma)^-1 c`` with ``A = U D V^T`` and ``c = D^-1 U^T y``.

    Written in an orthonormal basis V of the row space, the system is positive definite even where A is rank deficient and
    the noise is zero; written with A A^T it is singular there, and float32 conjugate gradients diverge on it. Solved in
    float64, preconditioned with ``V^T (S + mean noise)^-1 V``, the exact inverse where A is diagonal in Fourier space.

    Args:
        row_forward: maps images (b, 1, n, n) to row coordinates.
        row_adjoint: its adjoint.
        coordinates: (b, ...) c, as ``LinearOperator.row_coordinates`` returns them.
        row_std: (1 or b, ...) standard deviation of the noise in these coordinates; its squares are the diagonal of Sigma.
        spectrum: (n, n) centred plane of ``E |F x|^2`` (unitary transform), positive.

    Returns:
        Images (b, 1, n, n), iterations (b,) and relative residual (b,) of the solve.
    """
    plane = fourier.centred_to_half_plane(spectrum.double())
    noise = row_std**2
    mean_noise = (image_sum(noise) / noise[0].numel()).reshape(-1, 1, 1, 1)  # of each image: others do not matter

    def filtered(x: Tensor, gain: Tensor) -> Tensor:
        return fourier.from_half_plane(fourier.half_plane(x) * gain, x.shape[-1])

    def system(c: Tensor) -> Tensor:
        return row_forward(filtered(row_adjoint(c), plane)) + noise * c

    def precondition(c: Tensor) -> Tensor:
        return row_forward(filtered(row_adjoint(c), 1 / (plane + mean_noise)))

    solution, iterations, residual = conjugate_gradients(system, coordinates, precondition, tolerance=1e-7, max_iterations=500)
    return filtered(row_adjoint(solution), plane), iterations, residual
