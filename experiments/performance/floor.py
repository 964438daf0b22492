"""The bare operations of one iteration: transforms, products and thresholds alone, in portions, one thread for each."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from cryosense import fourier
from cryosense.cpu_tiles import in_portions
from cryosense.operators import FourierSampling, LinearOperator, PixelMasking
from cryosense.priors import L1, Prior, TotalVariation
from cryosense.priors.bases import Wavelet

Step = Callable[[], object]


def run(images: Tensor, operator: LinearOperator, prior: Prior, iterations: int) -> None:
    """(b, 1, n, n): do the bare operations of this many iterations on a batch."""

    def portion(x: Tensor) -> tuple[Tensor]:
        data, penalty = data_operations(x, operator), prior_operations(x, prior)
        for _ in range(iterations):
            data()
            penalty()
        return (x,)

    in_portions(portion, images, operator.box_size**2)


def data_operations(x: Tensor, operator: LinearOperator) -> Step:
    """Fourier: a transform, its multiplication, its inverse. Pixel: blocks gathered, multiplied, put back."""
    n = operator.box_size
    if isinstance(operator, FourierSampling):
        gain = fourier.centred_to_half_plane(operator.weight)
        return lambda: fourier.from_half_plane(fourier.half_plane(x).mul_(gain), n)
    if isinstance(operator, PixelMasking):
        k, g, b = operator.block_size, n // operator.block_size, max(16, len(x))
        product = torch.zeros(g * g, k * k, k * k)
        gathered, result, image = torch.zeros(g * g, k * k, b), torch.zeros(g * g, k * k, b), torch.zeros_like(x)
        inner, outer = gathered.view(g, g, k, k, b)[..., : len(x)], result.view(g, g, k, k, b)[..., : len(x)]
        source, target = (a.view(-1, g, k, g, k).permute(1, 3, 2, 4, 0) for a in (x, image))

        def step() -> None:
            inner.copy_(source)
            torch.bmm(product, gathered, out=result)
            target.copy_(outer)

        return step
    raise TypeError(type(operator).__name__)


def prior_operations(x: Tensor, prior: Prior) -> Step:
    """l1: two products each way per scale and a threshold. TV: the DCT solve, two differences, the threshold on both."""
    out, both = torch.empty_like(x), torch.empty(len(x), 2, *x.shape[2:])
    if isinstance(prior, TotalVariation):
        solve = sandwiches(x, [x.shape[-1]])

        def step() -> None:
            solve()
            torch.mul(x, x, out=out)
            for _ in range(4):  # forward differences and their adjoint: each plane is read and written once
                torch.sub(x, x, out=out)
            torch.addcmul(x, x, x, out=out).sqrt_().clamp_min_(1.0).reciprocal_()
            torch.mul(both, out, out=both)

        return step
    if isinstance(prior, L1):
        transform = sandwiches(x, prior.basis.sizes(x.shape[-1]) if isinstance(prior.basis, Wavelet) else [x.shape[-1]])

        def step() -> None:
            transform()
            torch.sub(x, torch.clamp(x, -0.1, 0.1, out=out), out=out)

        return step
    raise TypeError(type(prior).__name__)


def sandwiches(x: Tensor, sizes: list[int]) -> Step:
    """-> the products of a transform and its inverse."""
    corners = [x[:, 0, :size, :size].contiguous() for size in sizes]
    matrices = [torch.randn(size, size).expand(len(x), size, size) for size in sizes]
    results = [torch.empty_like(corner) for corner in corners]

    def step() -> None:
        for corner, matrix, result in zip(corners, matrices, results, strict=True):
            for _ in range(2):
                torch.bmm(matrix, torch.bmm(corner, matrix), out=result)

    return step
