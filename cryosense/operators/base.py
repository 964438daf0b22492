"""The linear operator ``y = A x`` and what every measurement must be able to say of itself."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Self

import torch
from torch import Tensor, nn

from cryosense.operators.masks import MaskError
from cryosense.operators.stationary import posterior_mean

DataStep = Callable[[Tensor], Tensor]
Solution = tuple[Tensor, Tensor, Tensor]  # images (b, 1, n, n), iterations (b,), relative residual (b,)


class LinearOperator(nn.Module, ABC):
    """A real linear map from images (b, 1, n, n) to measurements (b, ...), known exactly.

    An operator holds one mask set for all images (``particles == 1``) or one for each image of a batch.

    Its singular value decomposition A = U D V^T is never formed as a whole, but three of its parts are: V^T
    (:meth:`row_forward`), V (:meth:`row_adjoint`) and D^-1 (:attr:`row_noise_gain`), which together turn any measurement into
    coordinates in an orthonormal basis of the row space (:meth:`row_coordinates`). All exact linear estimates follow.
    """

    box_size: int
    particles: int
    masks: Tensor
    compression_nominal: float

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """(b, 1, n, n) -> (b, ...): y = A x."""

    @abstractmethod
    def adjoint(self, y: Tensor) -> Tensor:
        """(b, ...) -> (b, 1, n, n): A^T y, so that <A x, y> = <x, A^T y>."""

    @abstractmethod
    def row_coordinates(self, y: Tensor) -> Tensor:
        """(b, ...) -> (b, ...): c = D^-1 U^T y, so that A^+ y = V c and, without noise, c = V^T x."""

    @abstractmethod
    def row_forward(self, x: Tensor) -> Tensor:
        """(b, 1, n, n) -> (b, ...): V^T x; coordinates that are not measured are zero."""

    @abstractmethod
    def row_adjoint(self, c: Tensor) -> Tensor:
        """(b, ...) -> (b, 1, n, n): V c."""

    @property
    @abstractmethod
    def row_noise_gain(self) -> Tensor:
        """(1 or b, ...): D^-1, the deviation that unit measurement noise has in each coordinate; zero where not measured."""

    @abstractmethod
    def proximal_map(self, y: Tensor, rho: float | Tensor) -> DataStep:
        """-> the function z -> argmin_x |A x - y|^2 + rho |x - z|^2, all that does not depend on z computed beforehand.

        ``rho`` is a number, or (1 or b, 1, 1, 1), one for each mask set; gradients flow to it.
        """

    @property
    @abstractmethod
    def norm(self) -> Tensor:
        """(1 or b,): largest singular value."""

    @property
    @abstractmethod
    def rank(self) -> Tensor:
        """(1 or b,) int64: rank of A, the real degrees of freedom that are measured."""

    @property
    @abstractmethod
    def measured_shares(self) -> Tensor:
        """(1 or b, n, n): |P e_k|^2 on the centred plane, P = A^+ A: the share of each Fourier coefficient that is measured.

        The diagonal of P in Fourier space, which sums to the rank.
        """

    @property
    @abstractmethod
    def numbers_measured(self) -> Tensor:
        """(1 or b,) int64: real numbers that leave the detector, which the rank can be below."""

    @property
    @abstractmethod
    def measurement_norms(self) -> Tensor:
        """(1 or b, ...): Euclidean norm of each row of A, in the shape of a measurement."""

    @property
    def shells(self) -> Tensor | None:
        """(...) int64: shell of each Fourier coefficient, in the shape of one measurement; None where y holds none."""
        return None

    def within(self, last_shell: int) -> LinearOperator:
        """-> the operator that measures no Fourier coefficient beyond a shell.

        Raises:
            MaskError: an operator whose measurements are no Fourier coefficients, or none of which is left.
        """
        raise MaskError(f"last_shell={last_shell}: only measured Fourier coefficients have a shell (operator=fourier)")

    def zero_filled(self, y: Tensor) -> Tensor:
        """(b, ...) -> (b, 1, n, n): nothing inferred, A^T y scaled so that the mean of a constant image is kept."""
        ones = torch.ones(self.particles, 1, self.box_size, self.box_size, dtype=y.dtype, device=y.device)
        response = self(ones).square().flatten(1).sum(1) / self.box_size**2
        return self.adjoint(y) / per_image(response, y.ndim)

    @property
    @abstractmethod
    def adds_only(self) -> bool:
        """Whether no entry of A is negative, so that measurements of electrons are sums of electrons."""

    @abstractmethod
    def view(self, y: Tensor) -> Tensor:
        """(b, ...) -> (b, h, w): the measurement as a picture to look at."""

    def pinv(self, y: Tensor) -> Tensor:
        """(b, ...) -> (b, 1, n, n): A^+ y, Moore-Penrose."""
        return self.row_adjoint(self.row_coordinates(y))

    def data_step(self, z: Tensor, y: Tensor, rho: float) -> Tensor:
        """(b, 1, n, n), (b, ...) -> (b, 1, n, n): argmin_x |A x - y|^2 + rho |x - z|^2, exact."""
        return self.proximal_map(y, rho)(z)

    @property
    def mean_diagonal(self) -> float:
        """Mean diagonal of A^T A: the scale that penalty parameters are stated in."""
        return float(self.measurement_norms.square().sum()) / (self.particles * self.box_size**2)

    @property
    def compression_dof(self) -> Tensor:
        """(1 or b,): n^2 / rank A, the compression that the measurement really makes."""
        return self.box_size**2 / self.rank.double()

    def measurement_bits(self, bits_per_number: int) -> Tensor:
        """(1 or b,): bits that the measurements of one image need at a stated quantisation."""
        return self.numbers_measured * bits_per_number

    def double_precision(self) -> Self:
        """-> a copy of the operator in float64, its factors as precise as they were."""
        return copy.deepcopy(self).double()

    def stationary_posterior_mean(self, y: Tensor, spectrum: Tensor, row_sigma: Tensor) -> Solution:
        """(b, ...), (n, n) -> (b, 1, n, n): mean of x given y, for a zero-mean stationary Gaussian x; see :mod:`.stationary`.

        Args:
            spectrum: centred plane of E |F x|^2 (unitary transform), positive.
            row_sigma: (1 or b, ...) deviation of the noise in row coordinates, see ``Noise.row_sigma``.
        """
        exact = self.double_precision()
        mean, iterations, residual = posterior_mean(
            exact.row_forward, exact.row_adjoint, exact.row_coordinates(y.double()), row_sigma.double(), spectrum
        )
        return mean.to(y.dtype), iterations, residual


def per_image(values: Tensor, ndim: int) -> Tensor:
    """(b,) -> (b, 1, ..., 1) with ``ndim`` axes, to broadcast over measurements."""
    return values.reshape(-1, *(1,) * (ndim - 1))


def largest(values: Tensor) -> Tensor:
    """(p, ...) -> (p,): maximum over all axes but the first."""
    return torch.amax(values.flatten(1), dim=1)
