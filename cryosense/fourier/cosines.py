"""The orthonormal DCT-II of images of even size, by halves, and how it stands to the Fourier transform.

Even rows of the DCT-II are symmetric about the middle of the image and odd ones antisymmetric, so that half of an image,
folded onto the other, holds all that either sees: half the multiplications. Coefficients are kept as four quadrants
(b, 4, n / 2, n / 2): rows and columns of even index, even and odd, odd and odd, odd and even.

Even rows are the cosines of whole periods about the middle, ``cos(2 pi k (j + 1 / 2) / n)``, which the Fourier transform has
too. Odd rows span what its sines do. So a filter never leaves these coordinates, and needs no Fourier transform.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import torch
from torch import Tensor

EE, EO, OO, OE = range(4)  # even or odd along rows of coefficients, then along columns


def dct_matrix(n: int) -> Tensor:
    """Return the orthonormal DCT-II, (n, n) float64; rows are basis functions."""
    k = torch.arange(n, dtype=torch.float64)
    matrix = math.sqrt(2 / n) * torch.cos(math.pi * k[:, None] * (k[None, :] + 0.5) / n)
    matrix[0] /= math.sqrt(2)
    return matrix


@lru_cache(maxsize=64)
def halves_like(n: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return what even and odd rows make of the first half of a column, (2, n / 2, n / 2), cached."""
    matrix = dct_matrix(n)[:, : n // 2]
    return torch.stack([matrix[0::2], matrix[1::2]]).to(device, dtype)


@lru_cache(maxsize=64)
def sines_like(n: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return the orthogonal matrix (n / 2, n / 2) from odd rows of the DCT-II to sines of ``frequencies``' periods, cached."""
    at = torch.arange(n, dtype=torch.float64) + 0.5
    sines = math.sqrt(2 / n) * torch.sin(2 * math.pi * _sine_frequencies(n).double()[:, None] * at / n)
    sines[0] /= math.sqrt(2)
    return (sines @ dct_matrix(n)[1::2].T).to(device, dtype)


def frequencies(n: int) -> tuple[Tensor, Tensor]:
    """Return the frequencies along rows and along columns that the quadrants hold once odd ones are sines, (4, n / 2) each.

    Sines begin with the Nyquist frequency, of which there is no cosine: so at each other place stands the same frequency.
    """
    cosine, sine = torch.arange(n // 2), _sine_frequencies(n)
    return torch.stack([cosine, cosine, sine, sine]), torch.stack([cosine, sine, sine, cosine])


def to_quadrants(x: Tensor) -> Tensor:
    """Return the DCT-II coefficients (b, 4, n / 2, n / 2) of images (b, 1, n, n)."""
    n, halves = x.shape[-1], halves_like(x.shape[-1], x.dtype, x.device)
    even, odd = (half.expand(len(x), -1, -1).mT for half in halves)
    c = x.new_empty(len(x), 4, n // 2, n // 2)
    rows = _folded(x[:, 0])
    for half, places in ((torch.bmm(rows[0].mT, even), (EE, EO)), (torch.bmm(rows[1].mT, odd), (OE, OO))):
        columns = _folded(half)  # the product has turned rows into columns
        c[:, places[0]], c[:, places[1]] = torch.bmm(columns[0].mT, even), torch.bmm(columns[1].mT, odd)
    return c


def from_quadrants(c: Tensor) -> Tensor:
    """Invert ``to_quadrants``: return images (b, 1, n, n)."""
    even, odd = (half.expand(len(c), -1, -1).mT for half in halves_like(2 * c.shape[-1], c.dtype, c.device))
    rows = []
    for matrix, first, second in ((even, EE, EO), (odd, OE, OO)):
        columns = _unfolded(torch.bmm(even, c[:, first].mT), torch.bmm(odd, c[:, second].mT))
        rows.append(torch.bmm(matrix, columns.mT))
    return _unfolded(*rows)[:, None]


def quadrant_filter(gain: Tensor, offset: Tensor) -> Callable[[Tensor], Tensor]:
    """Return a filter of images, as a function of quadrants (b, 4, n / 2, n / 2).

    Args:
        gain: (1 or b, n, n) what Fourier coefficients are multiplied with, on the centred plane, the same at k and at -k.
        offset: (b, 4, n / 2, n / 2) what is then added.
    """
    n, half = gain.shape[-1], gain.shape[-1] // 2
    rows, columns = (part.to(gain.device) for part in frequencies(n))
    plus, minus = (gain[:, ((rows + half) % n)[:, :, None], ((at + half) % n)[:, None, :]] for at in (columns, -columns))
    # cos a cos b and sin a sin b, and so sin a cos b and cos a sin b, are sums of the waves along a + b and along a - b.
    sign = torch.tensor([-1.0, 1.0, -1.0, 1.0], dtype=gain.dtype, device=gain.device)[:, None, None]
    own, partner = ((plus + minus) / 2).unbind(1), ((plus - minus) / 2 * sign).unbind(1)
    sines = sines_like(n, gain.dtype, gain.device)

    def filtered(c: Tensor) -> Tensor:
        there = sines.expand(len(c), half, half)
        back = there.mT
        waves = c[:, EE], torch.bmm(c[:, EO], back), torch.bmm(there, torch.bmm(c[:, OO], back)), torch.bmm(there, c[:, OE])
        mixed = [torch.addcmul(own[q] * waves[q], partner[q], waves[q - 2]) for q in range(4)]
        made = mixed[EE], torch.bmm(mixed[EO], there), torch.bmm(back, torch.bmm(mixed[OO], there)), torch.bmm(back, mixed[OE])
        out = torch.empty_like(c)
        for part, added, into in zip(made, offset.unbind(1), out.unbind(1), strict=True):
            torch.add(part, added, out=into)
        return out

    return filtered


def _folded(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return the sum and the difference, (b, n / 2, m) each, of the first half of rows and the second, turned over."""
    first, second = x[:, : x.shape[1] // 2], x[:, x.shape[1] // 2 :].flip(1)
    return first + second, first - second


def _unfolded(symmetric: Tensor, antisymmetric: Tensor) -> Tensor:
    """Return images (b, n, m) whose first half of rows is the sum of two halves, and the second their difference, turned."""
    return torch.cat([symmetric + antisymmetric, (symmetric - antisymmetric).flip(1)], dim=1)


def _sine_frequencies(n: int) -> Tensor:
    frequencies = torch.arange(n // 2)
    frequencies[0] = n // 2
    return frequencies
