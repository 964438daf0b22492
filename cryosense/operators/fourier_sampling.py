"""Fourier domain: the coefficients of the image that a mask keeps."""

from __future__ import annotations

import torch
from torch import Tensor

from cryosense import fourier
from cryosense.operators.base import DataStep, Solution
from cryosense.operators.decomposed import Decomposed
from cryosense.operators.masks import MaskError


class FourierSampling(Decomposed):
    """Hartley coefficients ``y = w . H x`` on the centred plane, (b, 1, n, n), zero where nothing is measured.

    The Hartley values at k and -k are the real and imaginary parts of the Fourier coefficient at k, each degree of freedom
    once, so plain sums over y are inner products and white noise on y is white noise on the coefficients.

    A mask that keeps both members of each Friedel pair has w in {0, 1}. For an unsymmetric mask M the measurement is the
    paper's (arXiv 2511.12931): the real part of the masked inverse transform, ``A = F^H ((M(k) + M(-k)) / 2) F``, hence w in
    {0, 1/2, 1}. Where one of a pair is measured the other is known too: the pseudo-inverse doubles w = 1/2 (it uses the
    conjugate), and the rank counts both.

    Args:
        masks: (n, n) for all images or (b, n, n), one per image; values 0 and 1 on the centred plane; n even.

    Raises:
        MaskError: masks of another shape or with other values, or a mask that keeps nothing.
    """

    masks: Tensor
    weight: Tensor

    def __init__(self, masks: Tensor) -> None:
        super().__init__()
        planes = masks if masks.ndim == 3 else masks[None]
        if planes.ndim != 3 or planes.shape[-1] != planes.shape[-2] or planes.shape[-1] % 2:
            raise MaskError(f"a Fourier mask is (n, n) or (b, n, n) with even n, not {tuple(masks.shape)}")
        if not bool(((planes == 0) | (planes == 1)).all()):
            raise MaskError("a Fourier mask holds zeros and ones only")
        if not bool(planes.flatten(1).any(1).all()):
            raise MaskError("the mask keeps no coefficient: lower the compression or change the seed")
        self.mask_sets, self.box_size = planes.shape[0], planes.shape[-1]
        self.register_buffer("masks", planes)
        self.register_buffer("weight", ((planes + fourier.friedel_partner(planes)) / 2)[:, None])

    def forward(self, x: Tensor) -> Tensor:
        return self.weight * fourier.hartley(x)

    def adjoint(self, y: Tensor) -> Tensor:
        return fourier.inverse_hartley(self.weight * y)

    def row_coordinates(self, y: Tensor) -> Tensor:
        return self.row_noise_gain * y

    def row_forward(self, x: Tensor) -> Tensor:
        return (self.weight > 0) * fourier.hartley(x)

    def row_adjoint(self, c: Tensor) -> Tensor:
        return fourier.inverse_hartley((self.weight > 0) * c)

    def row_filter(self, gain: Tensor) -> Tensor:
        return fourier.half_to_centred_plane(gain)  # where nothing is measured coordinates are zero anyway

    def pinv(self, y: Tensor) -> Tensor:
        return fourier.inverse_hartley(self.row_noise_gain * y)  # the gain is 0 where nothing is measured

    @property
    def row_noise_gain(self) -> Tensor:
        return torch.where(self.weight > 0, 1 / self.weight.clamp_min(0.5), 0.0)

    def proximal_map(self, y: Tensor, rho: float | Tensor) -> DataStep:
        n = self.box_size
        scale = 1 / (fourier.centred_to_half_plane(self.weight) ** 2 + rho)
        gain = rho * scale
        offset = fourier.hartley_to_half_plane(self.weight * y) * scale

        def step(z: Tensor) -> Tensor:
            # A single transform is planned, and rounded, differently from several: one image is passed as two, so that
            # its result is the same alone and in a batch.
            several = z if len(z) > 1 else z.expand(2, -1, -1, -1)
            return fourier.from_half_plane(torch.addcmul(offset, fourier.half_plane(several), gain), n)[: len(z)]

        return step

    def quadrant_move(self, y: Tensor, rho: float | Tensor) -> DataStep:
        """Return ``x - z`` for the data step x of ``proximal_map``, both as DCT-II coefficients; see ``fourier.cosines``."""
        squares = self.weight**2
        offset = fourier.to_quadrants(fourier.inverse_hartley(self.weight / (squares + rho) * y))
        return fourier.quadrant_filter((-squares / (squares + rho))[:, 0], offset)

    def stationary_posterior_mean(self, y: Tensor, spectrum: Tensor, row_std: Tensor) -> Solution:
        # A is diagonal in the basis that the prior is diagonal in: closed form, nothing to iterate.
        gain = spectrum / (spectrum + row_std**2)
        mean = self.row_adjoint(gain.to(y.dtype) * self.row_coordinates(y))
        zeros = torch.zeros(y.shape[0], device=y.device)
        return mean, zeros.long(), zeros

    @property
    def shells(self) -> Tensor:
        return fourier.shell_index(self.box_size, device=self.masks.device)[None]

    def within(self, last_shell: int) -> FourierSampling:
        inside = self.shells <= last_shell
        return self if bool(inside.all()) else FourierSampling(self.masks * inside)

    def zero_filled(self, y: Tensor) -> Tensor:
        # The measurement already is the masked spectrum: the paper's zero-filled image, also where w = 1/2.
        return fourier.inverse_hartley(y)

    @property
    def norm(self) -> Tensor:
        return torch.amax(self.weight.flatten(1), dim=1)

    @property
    def measured_shares(self) -> Tensor:
        return (self.weight[:, 0] > 0).to(self.weight.dtype)

    @property
    def compression_nominal(self) -> float:
        return self.box_size**2 / float(self.masks.double().flatten(1).sum(1).mean())

    @property
    def numbers_measured(self) -> Tensor:
        # An unsymmetric mask reads two real numbers per kept coefficient, as many as it claims or more.
        paired = torch.eq(self.masks, fourier.friedel_partner(self.masks)).flatten(1).all(1)
        return torch.where(paired, self.rank, 2 * self.masks.flatten(1).sum(1).long())

    @property
    def measurement_norms(self) -> Tensor:
        return self.weight

    @property
    def adds_only(self) -> bool:
        return False

    def drawn(self) -> dict[str, Tensor]:
        return {"masks": self.masks}

    def view(self, y: Tensor) -> Tensor:
        return torch.log1p(y[:, 0].abs())
