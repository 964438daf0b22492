"""Pixel domain: masked sums over K x K blocks ("coded aperture")."""

from __future__ import annotations

import torch
from torch import Tensor

from cryosense import fourier
from cryosense.operators.base import DataStep
from cryosense.operators.block_products import COLUMNS, block_products, pulled_blocks
from cryosense.operators.decomposed import Decomposed
from cryosense.operators.generic import per_image
from cryosense.operators.masks import MaskError


class PixelMasking(Decomposed):
    """Masked block sums (b, m, n / K, n / K): ``y_m[i, j]`` sums ``M_m . x`` over block (i, j), for m masks, block size K.

    A is block diagonal, one m x K^2 matrix for each of the (n / K)^2 blocks, so one batched singular value decomposition of
    these small matrices (float64, once per mask set) gives the pseudo-inverse, the rank and every data step exactly.

    Args:
        masks: (m, n, n) for all images or (b, m, n, n), one set per image.
        block_size: K, a divisor of n.

    Raises:
        MaskError: masks of another shape or that keep no pixel, or a block size that does not divide n.
    """

    masks: Tensor
    left: Tensor
    singular: Tensor
    right: Tensor

    def __init__(self, masks: Tensor, block_size: int) -> None:
        super().__init__()
        sets = masks if masks.ndim == 4 else masks[None]
        if sets.ndim != 4 or sets.shape[-1] != sets.shape[-2]:
            raise MaskError(f"pixel masks are (m, n, n) or (b, m, n, n), not {tuple(masks.shape)}")
        n = sets.shape[-1]
        if n % block_size:
            raise MaskError(f"block_size={block_size} does not divide the box of {n} px: choose a divisor, or crop the images")
        if not bool(sets.flatten(1).any(1).all()):
            raise MaskError("the masks keep no pixel: lower the compression or change the seed")
        self.mask_sets, self.masks_per_image, self.box_size = sets.shape[0], sets.shape[1], n
        self.own = masks.ndim == 4  # multiplied image by image, even a single one, which is then rounded as in a batch
        self.block_size = block_size
        self.register_buffer("masks", sets)
        u, s, vt = torch.linalg.svd(self._matrices(sets.double()), full_matrices=False)
        tolerance = s.flatten(1).amax(1) * max(self.masks_per_image, block_size**2) * torch.finfo(s.dtype).eps
        s = torch.where(s > tolerance[:, None, None], s, 0.0)
        self.register_buffer("left", u.to(sets.dtype))
        self.register_buffer("singular", s.to(sets.dtype))
        # Rows of which nothing is measured are zeros, so that nothing is seen of them, or made of what they are given.
        self.register_buffer("right", torch.where(s[..., None] > 0, vt, 0.0).to(sets.dtype))

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, block_size={self.block_size}, masks_per_image={self.masks_per_image}"

    def _matrices(self, sets: Tensor) -> Tensor:
        """Reshape masks (p, m, n, n) to the matrices of the blocks, (p, blocks, m, K^2)."""
        p, m, n, k = *sets.shape[:3], self.block_size
        return sets.reshape(p, m, n // k, k, n // k, k).permute(0, 2, 4, 1, 3, 5).reshape(p, -1, m, k * k)

    def _blocks(self, x: Tensor) -> Tensor:
        """Reshape images to (b, blocks, K^2, 1) if each has its own masks, else to (1, blocks, K^2, b padded)."""
        b, n, k = x.shape[0], self.box_size, self.block_size
        tiles = x.reshape(b, n // k, k, n // k, k)
        if self.own:
            return tiles.permute(0, 1, 3, 2, 4).reshape(b, -1, k * k, 1)
        return self._filled(tiles.permute(1, 3, 2, 4, 0)).reshape(1, -1, k * k, b + -b % COLUMNS)

    def _image(self, blocks: Tensor, count: int) -> Tensor:
        """Invert ``_blocks`` for ``count`` images."""
        n, k = self.box_size, self.block_size
        g = n // k
        if self.own:
            return blocks.reshape(count, g, g, k, k).permute(0, 1, 3, 2, 4).reshape(count, 1, n, n)
        x = blocks.new_empty(count, 1, n, n)  # to copy into it takes half as long as to reshape
        x.view(count, g, k, g, k).copy_(blocks.reshape(g, g, k, k, -1)[..., :count].permute(4, 0, 2, 1, 3))
        return x

    def _columns(self, y: Tensor) -> Tensor:
        """Reshape measurements to (b, blocks, m, 1) if each image has its own masks, else to (1, blocks, m, b padded)."""
        b, m = y.shape[:2]
        if self.own:
            return y.reshape(b, m, -1, 1).transpose(1, 2)
        return self._filled(y.reshape(b, m, -1).permute(2, 1, 0))[None]

    @staticmethod
    def _filled(columns: Tensor) -> Tensor:
        """Pad the last axis with zeros to a multiple of ``COLUMNS``.

        A matrix library sums in a different order for a different number of columns. With a fixed number of them, an image's
        result does not depend on how many others it comes with; whole vector registers also make the small products faster.
        """
        missing = -columns.shape[-1] % COLUMNS
        return torch.nn.functional.pad(columns, (0, missing)) if missing else columns

    def _measurement(self, columns: Tensor, count: int) -> Tensor:
        """Invert ``_columns`` for ``count`` images."""
        g = self.box_size // self.block_size
        rows = columns[..., 0].transpose(1, 2) if self.own else columns[0, ..., :count].permute(2, 1, 0)
        return rows.reshape(count, -1, g, g)

    def forward(self, x: Tensor) -> Tensor:
        return self._measurement(self._matrices(self.masks) @ self._blocks(x), len(x))

    def adjoint(self, y: Tensor) -> Tensor:
        return self._image(self._matrices(self.masks).mT @ self._columns(y), len(y))

    def row_coordinates(self, y: Tensor) -> Tensor:
        return self._measurement(self.left.mT @ self._columns(y), len(y)) * self.row_noise_gain

    def row_forward(self, x: Tensor) -> Tensor:
        return self._measurement(self.right @ self._blocks(x), len(x))

    def row_adjoint(self, c: Tensor) -> Tensor:
        return self._image(self.right.mT @ self._columns(c), len(c))

    def pinv(self, y: Tensor) -> Tensor:
        # Same as in the base class, but without a round trip through the layout of measurements.
        gain = torch.where(self.singular > 0, 1 / self.singular, 0.0)[..., None]
        return self._image(self.right.mT @ (gain * (self.left.mT @ self._columns(y))), len(y))

    @property
    def row_noise_gain(self) -> Tensor:
        gain = torch.where(self.singular > 0, 1 / self.singular.clamp_min(torch.finfo(self.singular.dtype).tiny), 0.0)
        g = self.box_size // self.block_size
        return gain.transpose(1, 2).reshape(self.mask_sets, -1, g, g)

    def proximal_map(self, y: Tensor, rho: float | Tensor) -> DataStep:
        s = self.singular[..., None]
        count, right = len(y), self.right
        offset = right.mT @ (s / (s**2 + rho) * (self.left.mT @ self._columns(y)))
        pull = pulled_blocks(right, -right.mT * (s**2 / (s**2 + rho)).mT, offset, self.own)
        return lambda z: self._image(pull(self._blocks(z)), count)

    def block_move(self, y: Tensor, rho: float | Tensor, basis: Tensor) -> DataStep:
        """Return ``x - z`` for the data step x of ``proximal_map``, both as coefficients (b, blocks, K^2) of their blocks.

        ``basis``: (K^2, K^2) orthonormal, from a block's pixels to its coefficients.
        """
        s, right = self.singular[..., None], self.right @ basis.to(self.right).mT
        columns = right.mT @ (s / (s**2 + rho) * (self.left.mT @ self._columns(y)))
        offset = columns[..., 0] if self.own else columns[0, ..., : len(y)].permute(2, 0, 1).contiguous()
        return block_products((-right.mT * (s**2 / (s**2 + rho)).mT) @ right, offset, self.own)

    @property
    def norm(self) -> Tensor:
        return self.singular.flatten(1).amax(1)

    @property
    def measured_shares(self) -> Tensor:
        # Only the distance of two pixels in a block's projection matters to |P e_k|^2, not where the block lies.
        n, k = self.box_size, self.block_size
        rows = self.right.flatten(1, 2)
        within = (rows.mT @ rows).reshape(self.mask_sets, k, k, k, k)  # sum over blocks, pixel (y, x) to pixel (v, u)
        plane = torch.zeros(self.mask_sets, n * n, dtype=rows.dtype, device=rows.device)
        at = torch.arange(k, device=rows.device)
        apart = (at - at[:, None] + n // 2) % n
        index = (apart[:, None, :, None] * n + apart[None, :, None, :]).flatten()
        plane.index_add_(1, index, within.flatten(1) / n)
        return fourier.fftn(plane.reshape(-1, n, n)).real.clamp_min(0)

    @property
    def compression_nominal(self) -> float:
        return self.block_size**2 / self.masks_per_image

    @property
    def numbers_measured(self) -> Tensor:
        return torch.full_like(self.rank, self.masks_per_image * (self.box_size // self.block_size) ** 2)

    @property
    def measurement_norms(self) -> Tensor:
        g = self.box_size // self.block_size
        norms = torch.linalg.vector_norm(self._matrices(self.masks), dim=-1)
        return norms.transpose(1, 2).reshape(self.mask_sets, -1, g, g)

    @property
    def adds_only(self) -> bool:
        return bool((self.masks >= 0).all())

    def zero_filled(self, y: Tensor) -> Tensor:
        """Return ``A^T y``, (b, 1, n, n), scaled so that the mean of a constant image is kept."""
        response = self(torch.ones_like(self._zeros())).square().flatten(1).sum(1) / self.box_size**2
        return self.adjoint(y) / per_image(response, y.ndim)

    def drawn(self) -> dict[str, Tensor]:
        return {"masks": self.masks}

    def view(self, y: Tensor) -> Tensor:
        return y[:, 0]
