"""How the image that samplers draw becomes the one that is measured: through a transfer function, in noise of its own."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from cryosense import fourier


@dataclass(frozen=True, eq=False)
class Imaging:
    """``x -> C x + n``, with both stationary: what is measured of a clean projection x is ``y = A (C x + n)``, plus its noise.

    Attributes:
        transfer: real values, the same at k and -k, on the half plane (1 or b, 1, n, n // 2 + 1), such as a CTF; None for 1.
        noise: variance of each Fourier coefficient of n (unitary transform) on the same half plane; None for no noise.
    """

    transfer: Tensor | None = None
    noise: Tensor | None = None

    @property
    def is_plain(self) -> bool:
        """Return whether x itself is measured."""
        return self.transfer is None and self.noise is None

    def image(self, x: Tensor) -> Tensor:
        """Return ``C x``, images (b, 1, n, n); C is its own adjoint."""
        return x if self.transfer is None else fourier.filtered(x, self.transfer.to(x))

    def noisy(self, white: Tensor) -> Tensor | None:
        """Return a draw of n, (b, 1, n, n), from standard normals."""
        return None if self.noise is None else fourier.filtered(white, self.noise.sqrt().to(white))

    def noise_covariance(self, x: Tensor) -> Tensor | None:
        """Return the covariance of n times images (b, 1, n, n)."""
        return None if self.noise is None else fourier.filtered(x, self.noise.to(x))

    def spectrum(self, of_x: Tensor) -> Tensor:
        """Return the variance of each coefficient of ``C x + n``, given that of x, on half planes."""
        seen = of_x if self.transfer is None else of_x * self.transfer.to(of_x) ** 2
        return seen if self.noise is None else seen + self.noise.to(seen)


PLAIN = Imaging()
