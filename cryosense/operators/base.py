"""The linear operator ``y = A x``: two methods to write, and what follows from them for any linear map."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor

from cryosense.operators import generic
from cryosense.operators.facts import Remembering
from cryosense.operators.generic import Factors, RowFacts
from cryosense.operators.masks import MaskError
from cryosense.operators.stationary import posterior_mean

DataStep = Callable[[Tensor], Tensor]
Solution = tuple[Tensor, Tensor, Tensor]  # images (b, 1, n, n), iterations (b,), relative residual (b,)


class LinearOperator(Remembering, ABC):
    """A real linear map from images (b, 1, n, n) to measurements (b, ...).

    A subclass states ``box_size`` and writes :meth:`forward` and :meth:`adjoint`; all else follows, at the costs that
    :mod:`.generic` names. Where a decomposition is known, :class:`.Decomposed` is the better base. An operator holds one mask
    set for all images (``mask_sets == 1``) or one for each image of a batch; its buffers then lead with the mask set.

    With A = U D V^T, V an orthonormal basis of the row space, a measurement has *row coordinates* c = D^-1 U^T y, which are
    V^T x plus noise. All exact linear estimates are written in them.
    """

    box_size: int  # n

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """(b, 1, n, n) -> (b, ...): y = A x."""

    @abstractmethod
    def adjoint(self, y: Tensor) -> Tensor:
        """(b, ...) -> (b, 1, n, n): A^T y, so that <A x, y> = <x, A^T y>."""

    def extra_repr(self) -> str:
        return f"box_size={self.box_size}, mask_sets={self.mask_sets}"

    def row_coordinates(self, y: Tensor) -> Tensor:
        """(b, ...) -> (b, ...): c = D^-1 U^T y, so that A^+ y = V c and, without noise, c = V^T x."""
        return self._factors(y).coordinates(y)

    def row_forward(self, x: Tensor) -> Tensor:
        """(b, 1, n, n) -> (b, ...): V^T x; coordinates that are not measured are zero."""
        return self._factors(x).coordinates(self(x))

    def row_adjoint(self, c: Tensor) -> Tensor:
        """(b, ...) -> (b, 1, n, n): V c."""
        return self.adjoint(self._factors(c).adjoint(c).reshape(len(c), *self.measurement_shape))

    @property
    def row_noise_gain(self) -> Tensor:
        """(1 or b, ...): D^-1, the deviation that unit measurement noise has in each coordinate; zero where not measured."""
        return self._factors(self._like).gain

    @property
    def no_row_noise(self) -> Tensor:
        """Zeros that broadcast over row coordinates."""
        return self._like.new_zeros(1, 1)

    def pinv(self, y: Tensor) -> Tensor:
        """(b, ...) -> (b, 1, n, n): A^+ y, Moore-Penrose."""
        exact = self.double_precision()
        return generic.pseudo_inverse(exact, exact.adjoint, y.double()).to(y)

    def proximal_map(self, y: Tensor, rho: float | Tensor) -> DataStep:
        """-> the function z -> argmin_x |A x - y|^2 + rho |x - z|^2, all that does not depend on z computed beforehand.

        ``rho`` is a number, or (1 or b, 1, 1, 1), one for each mask set; gradients flow to it.
        """
        exact = self.double_precision()
        step = generic.data_step(exact, exact.adjoint, y.double(), rho)
        return lambda z: step(z.double()).to(z)

    def data_step(self, z: Tensor, y: Tensor, rho: float | Tensor) -> Tensor:
        """(b, 1, n, n), (b, ...) -> (b, 1, n, n): argmin_x |A x - y|^2 + rho |x - z|^2."""
        return self.proximal_map(y, rho)(z)

    def zero_filled(self, y: Tensor) -> Tensor:
        """(b, ...) -> (b, 1, n, n): nothing inferred, A^T y times the number by which it explains y best."""
        x = self.adjoint(y)
        size, seen = (generic.squares(part) for part in (x, self(x)))
        return x * generic.per_image(size / seen.clamp_min(torch.finfo(seen.dtype).tiny), x.ndim)

    @property
    def norm(self) -> Tensor:
        """(1 or b,): largest singular value."""
        return self._known("norm", lambda exact: generic.largest_singular_value(exact, exact.adjoint, exact._zeros()))

    @property
    def rank(self) -> Tensor:
        """(1 or b,) int64: rank of A, the real degrees of freedom that are measured."""
        numbers = min(self.measurement_shape.numel(), self.box_size**2)
        if numbers <= generic.EXACT_RANK or "factors" in self._facts:
            return (self._factors(self._like).gain > 0).sum(1)
        return self._known("rank", lambda exact: generic.estimated_rank(exact.pinv, exact, exact._zeros()))

    @property
    def measured_shares(self) -> Tensor:
        """(1 or b, n, n): |P e_k|^2, centred, P = A^+ A: the share of each Fourier coefficient that is measured."""
        return self._known("shares", lambda exact: generic.shares(exact.row_adjoint, exact.row_noise_gain, self.box_size))

    @property
    def numbers_measured(self) -> Tensor:
        """(1 or b,) int64: real numbers that leave the detector, which the rank can be below."""
        return torch.full((self.mask_sets,), self.measurement_shape.numel(), device=self._like.device)

    @property
    def measurement_norms(self) -> Tensor:
        """(1 or b, ...): Euclidean norm of each row of A, in the shape of a measurement."""
        return self._rows.norms.to(self._like)

    @property
    def shells(self) -> Tensor | None:
        """(...) int64: shell of each Fourier coefficient, in the shape of one measurement; None where y holds none."""
        return None

    def within(self, last_shell: int) -> LinearOperator:
        """-> the operator that measures no Fourier coefficient beyond a shell. Raises MaskError if it measures no such."""
        raise MaskError(f"last_shell={last_shell}: only measured Fourier coefficients have a shell (FourierSampling)")

    @property
    def adds_only(self) -> bool:
        """Whether no entry of A is negative, so that measurements of electrons are sums of electrons."""
        return self._rows.adds_only

    @property
    def compression_nominal(self) -> float:
        """Numbers in an image over numbers that the operator says it keeps."""
        return self.box_size**2 / float(self.numbers_measured.double().mean())

    @property
    def compression_dof(self) -> Tensor:
        """(1 or b,): n^2 / rank A, the compression that the measurement really makes."""
        return self.box_size**2 / self.rank.double()

    @property
    def mean_diagonals(self) -> Tensor:
        """(1 or b,) float64: mean diagonal of A^T A for each mask set, the scale that penalty parameters are stated in."""
        return self.measurement_norms.double().square().flatten(1).sum(1) / self.box_size**2

    @property
    def mean_diagonal(self) -> float:
        """The mean over mask sets."""
        return float(self.measurement_norms.square().sum()) / (self.mask_sets * self.box_size**2)

    def measurement_bits(self, bits_per_number: int) -> Tensor:
        """(1 or b,): bits that the measurements of one image need at a stated quantisation."""
        return self.numbers_measured * bits_per_number

    @property
    def measurement_shape(self) -> torch.Size:
        """Shape of one image's measurement."""
        return self._known("shape", lambda exact: exact(exact._zeros()).shape[1:])

    def view(self, y: Tensor) -> Tensor:
        """(b, ...) -> (b, h, w): the measurement as a picture to look at."""
        return y.reshape(len(y), -1, y.shape[-1])

    def drawn(self) -> dict[str, Tensor]:
        """-> what makes this operator this one, to be kept beside results: its masks, by default all its buffers."""
        return dict(self.named_buffers())

    def stationary_posterior_mean(self, y: Tensor, spectrum: Tensor, row_std: Tensor) -> Solution:
        """(b, ...), (n, n) -> (b, 1, n, n): mean of x given y, for a zero-mean stationary Gaussian x; see :mod:`.stationary`.

        Args:
            spectrum: centred plane of E |F x|^2 (unitary transform), positive.
            row_std: (1 or b, ...) standard deviation of the noise in row coordinates, see ``Measurement.noise_std``.
        """
        exact = self.double_precision()
        mean, iterations, residual = posterior_mean(
            exact.row_forward, exact.row_adjoint, exact.row_coordinates(y.double()), row_std.double(), spectrum
        )
        return mean.to(y.dtype), iterations, residual

    def _factors(self, like: Tensor) -> Factors:
        """-> U and D^-1, where a tensor is and as precise."""
        found: Factors = self._known(
            "factors", lambda exact: generic.factorised(exact, exact.adjoint, exact._zeros(), exact(exact._zeros()))
        )
        key = f"factors {like.dtype} {like.device}"
        if key not in self._facts:
            self._facts[key] = found.to(like)
        return self._facts[key]

    @property
    def _rows(self) -> RowFacts:
        return self._known("rows", lambda exact: generic.row_facts(exact.adjoint, exact(exact._zeros())))

    def _zeros(self) -> Tensor:
        """-> (1 or b, 1, n, n) black images."""
        return self._like.new_zeros(self.mask_sets, 1, self.box_size, self.box_size)
