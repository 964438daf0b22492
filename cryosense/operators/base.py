"""The linear operator ``y = A x``: two methods to write, and everything that follows from them for any linear map."""

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

    A subclass states ``box_size`` and writes ``forward`` and ``adjoint``; everything else follows, at the costs listed in
    ``operators.generic``. Where a decomposition is known, ``Decomposed`` is the better base. An operator holds one mask set
    for all images (``mask_sets == 1``) or one for each image of a batch; the first axis of its buffers is the mask set.

    With ``A = U D V^T``, V an orthonormal basis of the row space, a measurement has *row coordinates* ``c = D^-1 U^T y``,
    equal to ``V^T x`` plus noise. All exact linear estimates are written in them.
    """

    box_size: int  # n

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """Return the measurements ``y = A x``, (b, ...), of images (b, 1, n, n)."""

    @abstractmethod
    def adjoint(self, y: Tensor) -> Tensor:
        """Return ``A^T y``, images (b, 1, n, n), for measurements (b, ...): ``<A x, y> = <x, A^T y>``."""

    def extra_repr(self) -> str:
        return f"box_size={self.box_size}, mask_sets={self.mask_sets}"

    def row_coordinates(self, y: Tensor) -> Tensor:
        """Return ``c = D^-1 U^T y``, (b, ...), so that ``A^+ y = V c`` and, without noise, ``c = V^T x``."""
        return self._factors(y).coordinates(y)

    def row_forward(self, x: Tensor) -> Tensor:
        """Return ``V^T x``, (b, ...), for images (b, 1, n, n); coordinates that are not measured are zero."""
        return self._factors(x).coordinates(self(x))

    def row_adjoint(self, c: Tensor) -> Tensor:
        """Return ``V c``, images (b, 1, n, n), for row coordinates (b, ...)."""
        return self.adjoint(self._factors(c).adjoint(c).reshape(len(c), *self.measurement_shape))

    @property
    def row_noise_gain(self) -> Tensor:
        """``D^-1``, (1 or b, ...): standard deviation of unit measurement noise per coordinate; zero where not measured."""
        return self._factors(self._like).gain

    def row_filter(self, gain: Tensor) -> Tensor | None:
        """Return what ``V^T F^H diag(gain) F V`` multiplies coordinates by, gain a half plane; None where it mixes them."""
        return None

    @property
    def no_row_noise(self) -> Tensor:
        """Zeros that broadcast over row coordinates."""
        return self._like.new_zeros(1, 1)

    def pinv(self, y: Tensor) -> Tensor:
        """Return the Moore-Penrose solution ``A^+ y``, (b, 1, n, n), of measurements (b, ...)."""
        exact = self.double_precision()
        return generic.pseudo_inverse(exact, exact.adjoint, y.double()).to(y)

    def proximal_map(self, y: Tensor, rho: float | Tensor) -> DataStep:
        """Return the data step, a function of z (b, 1, n, n), with all that does not depend on z computed in advance.

        It minimises ``|A x - y|^2 + rho |x - z|^2``; ``rho``: a number or (1 or b, 1, 1, 1), through which gradients flow.
        """
        exact = self.double_precision()
        step = generic.data_step(exact, exact.adjoint, y.double(), rho)
        return lambda z: step(z.double()).to(z)

    def data_step(self, z: Tensor, y: Tensor, rho: float | Tensor) -> Tensor:
        """Return ``argmin_x |A x - y|^2 + rho |x - z|^2``, (b, 1, n, n), for images z and measurements y."""
        return self.proximal_map(y, rho)(z)

    def zero_filled(self, y: Tensor) -> Tensor:
        """Return ``A^T y``, (b, 1, n, n), scaled to explain y best; nothing is inferred."""
        x = self.adjoint(y)
        size, seen = (generic.squares(part) for part in (x, self(x)))
        return x * generic.per_image(size / seen.clamp_min(torch.finfo(seen.dtype).tiny), x.ndim)

    @property
    def norm(self) -> Tensor:
        """Largest singular value, (1 or b,)."""
        return self._known("norm", lambda exact: generic.largest_singular_value(exact, exact.adjoint, exact._zeros()))

    @property
    def rank(self) -> Tensor:
        """Rank of A, (1 or b,) int64: the real degrees of freedom that are measured."""
        if min(self.measurement_shape.numel(), self.box_size**2) <= generic.EXACT_RANK or "factors" in self._facts:
            return (self._factors(self._like).gain > 0).sum(1)
        return self._known("rank", lambda exact: generic.estimated_rank(exact.pinv, exact, exact._zeros()))

    @property
    def measured_shares(self) -> Tensor:
        """Share of each Fourier coefficient that is measured, ``|A^+ A e_k|^2``, on the centred plane (1 or b, n, n)."""
        return self._known("shares", lambda exact: generic.shares(exact.row_adjoint, exact.row_noise_gain, self.box_size))

    @property
    def numbers_measured(self) -> Tensor:
        """How many real numbers leave the detector, (1 or b,) int64; the rank can be lower."""
        return torch.full((self.mask_sets,), self.measurement_shape.numel(), device=self._like.device)

    @property
    def measurement_norms(self) -> Tensor:
        """Euclidean norm of each row of A, in the shape of a measurement (1 or b, ...)."""
        return self._rows.norms.to(self._like)

    @property
    def shells(self) -> Tensor | None:
        """Shell of each Fourier coefficient, int64 in the shape of one measurement; None where y holds no coefficients."""
        return None

    def within(self, last_shell: int) -> LinearOperator:
        """Return the operator that measures no Fourier coefficient beyond a shell; MaskError if it measures none at all."""
        raise MaskError(f"last_shell={last_shell}: only measured Fourier coefficients have a shell (FourierSampling)")

    @property
    def adds_only(self) -> bool:
        """Whether no entry of A is negative, so that measurements of electrons are sums of electrons."""
        return self._rows.adds_only

    @property
    def compression_nominal(self) -> float:
        """Numbers in an image over the numbers that the operator claims to keep."""
        return self.box_size**2 / float(self.numbers_measured.double().mean())

    @property
    def compression_dof(self) -> Tensor:
        """The compression actually made, ``n^2 / rank A``, (1 or b,)."""
        return self.box_size**2 / self.rank.double()

    @property
    def mean_diagonals(self) -> Tensor:
        """Mean diagonal of ``A^T A``, (1 or b,) float64, one per mask set: the scale of penalty parameters."""
        return self.measurement_norms.double().square().flatten(1).sum(1) / self.box_size**2

    @property
    def mean_diagonal(self) -> float:
        """Mean of ``mean_diagonals`` over the mask sets."""
        return float(self.measurement_norms.square().sum()) / (self.mask_sets * self.box_size**2)

    def measurement_bits(self, bits_per_number: int) -> Tensor:
        """Return the bits, (1 or b,), that one image's measurements need at ``bits_per_number`` bits for each number."""
        return self.numbers_measured * bits_per_number

    @property
    def measurement_shape(self) -> torch.Size:
        """Shape of one image's measurement."""
        return self._known("shape", lambda exact: exact(exact._zeros()).shape[1:])

    def view(self, y: Tensor) -> Tensor:
        """Return the measurements (b, ...) as pictures to look at, (b, h, w)."""
        return generic.pictures(y)

    def drawn(self) -> dict[str, Tensor]:
        """Return the tensors that define this operator, to be stored with results: its masks, by default all its buffers."""
        return dict(self.named_buffers())

    def stationary_posterior_mean(self, y: Tensor, spectrum: Tensor, row_std: Tensor) -> Solution:
        """Return the mean of x given y, (b, ...), for a zero-mean stationary Gaussian x; see ``operators.stationary``.

        ``spectrum`` is the centred plane (n, n) of ``E |F x|^2`` (unitary transform), ``row_std`` ``Measurement.noise_std``.
        """
        exact = self.double_precision()
        mean, iterations, residual = posterior_mean(
            exact.row_forward, exact.row_adjoint, exact.row_coordinates(y.double()), row_std.double(), spectrum
        )
        return mean.to(y.dtype), iterations, residual

    def _factors(self, like: Tensor) -> Factors:
        """Return U and D^-1 with the device and dtype of a tensor."""
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
        """Return black images, (1 or b, 1, n, n)."""
        return self._like.new_zeros(self.mask_sets, 1, self.box_size, self.box_size)
