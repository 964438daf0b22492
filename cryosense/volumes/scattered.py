"""The loop that adds slices to a half ball of sums, compiled by Triton for GPUs. Imported on first use."""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

POINTS = tl.constexpr(256)  # coefficients of a slice that one program adds


@triton.jit
def _add(sums, starts, numerators, weights, rotations, ends, n, side):  # type: ignore[no-untyped-def]
    width, reach = n // 2 + 1, 1.0 * (side // 2)
    i = tl.program_id(0).to(tl.int64)
    at = tl.program_id(1) * POINTS + tl.arange(0, POINTS)
    row, column = at // width, at % width
    inside = row < n
    start, end = tl.load(ends + row, mask=inside, other=0), tl.load(ends + n + row, mask=inside, other=0)
    used = inside & (column >= start) & (column < end)
    place = i * n * width + at
    weight = tl.load(weights + place, mask=used, other=0.0)
    used = used & (weight != 0.0)
    real = tl.load(numerators + 2 * place, mask=used, other=0.0)
    imaginary = tl.load(numerators + 2 * place + 1, mask=used, other=0.0)
    # The mean is its own Friedel partner, and is added a second time with the partners.
    once = tl.where(at == 0, 0.5, 1.0)
    x, y = column.to(tl.float32), tl.where(row < (n + 1) // 2, row, row - n).to(tl.float32)
    turn = rotations + 9 * i
    px = tl.load(turn) * x + tl.load(turn + 1) * y
    # Of a point and its Friedel partner, the one with x >= 0 is kept.
    sign = tl.where(px < 0.0, -1.0, 1.0)
    px = sign * px
    py = sign * (tl.load(turn + 3) * x + tl.load(turn + 4) * y) + reach
    pz = sign * (tl.load(turn + 6) * x + tl.load(turn + 7) * y) + reach
    real, imaginary, weight = once * real, once * sign * imaginary, once * weight
    kx, ky, kz = px.to(tl.int32), py.to(tl.int32), pz.to(tl.int32)
    tx, ty, tz = px - kx.to(tl.float32), py - ky.to(tl.float32), pz - kz.to(tl.float32)
    kind = sums.dtype.element_ty
    for dz in tl.static_range(2):
        along_z = tz if dz == 1 else 1.0 - tz
        for dy in tl.static_range(2):
            share = along_z * (ty if dy == 1 else 1.0 - ty)
            row_start = tl.load(starts + (kz + dz) * side + ky + dy, mask=used, other=0)
            point = sums + 3 * (row_start + kx)
            near, far = share * (1.0 - tx), share * tx
            tl.atomic_add(point, (near * real).to(kind), mask=used, sem="relaxed")
            tl.atomic_add(point + 1, (near * imaginary).to(kind), mask=used, sem="relaxed")
            tl.atomic_add(point + 2, (near * weight).to(kind), mask=used, sem="relaxed")
            tl.atomic_add(point + 3, (far * real).to(kind), mask=used, sem="relaxed")
            tl.atomic_add(point + 4, (far * imaginary).to(kind), mask=used, sem="relaxed")
            tl.atomic_add(point + 5, (far * weight).to(kind), mask=used, sem="relaxed")


def add_slices(
    sums: Tensor, starts: Tensor, slices: tuple[Tensor, Tensor], rotations: Tensor, columns: tuple[Tensor, Tensor]
) -> None:
    """Add b slices to the sums of a half ball, (v, 3), all on one GPU, in whatever order it takes them.

    ``starts`` (k, k) the first point of each row z, y; ``slices`` numerators and weights (b, n, h); ``rotations`` (b, 3, 3)
    from columns and rows of the slice to points; ``columns`` (n,) the first and (n,) the last used of each row. Points are
    where the loop of the CPU has them, to the last bit, since products and sums are not fused; only the order differs.
    """
    numerators = torch.view_as_real(slices[0].to(torch.complex64).resolve_conj().contiguous())
    weights, turns = slices[1].float().contiguous(), rotations.float().contiguous()
    b, n, width = weights.shape
    grid = (b, triton.cdiv(n * width, POINTS.value))
    ends, side = torch.stack(columns), starts.shape[0]
    _add[grid](sums, starts, numerators, weights, turns, ends, n, side, enable_fp_fusion=False, num_warps=8)
