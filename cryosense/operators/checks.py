"""The laws of a linear operator, for testing your own."""

from __future__ import annotations

import copy

import torch
from torch import Tensor

from cryosense import fourier
from cryosense.laws import equal, hold
from cryosense.operators.base import LinearOperator
from cryosense.operators.generic import squares

EXACT, SOLVED = 1e-9, 1e-6  # of the largest value: for a single sum, and for the solution of a system


def check_operator(operator: LinearOperator, seed: int = 0) -> None:
    """Check that an operator obeys the laws, in float64 on random images, on its device. For small boxes, up to about 64 px.

    On a GPU an image's rounding may depend on its batch, so that there what is the same bits on the CPU is the same to 1e-9.

    The laws: A x is the same again, and nothing is changed; linearity; no image affects another; adjoint, gradient; the four
    Moore-Penrose equations; the normal equations of the data step; row coordinates; norm, rank, shares, row norms and counts
    that agree with these.

    Raises:
        LawError: naming the first law that is broken.
        DecompositionError: an operator without a decomposition that is too large for one.
    """
    a, n = operator.double_precision(), operator.box_size
    count = a.mask_sets if a.mask_sets > 1 else 3
    generator = torch.Generator().manual_seed(seed)

    def drawn(*shape: int) -> Tensor:
        return torch.randn(*shape, dtype=torch.float64, generator=generator).to(_device(a))

    def images() -> Tensor:
        return drawn(count, 1, n, n)

    x, w = images(), images()
    y = _pure(a, x)
    hold(f"A x has one measurement for each image: {count} images, shape {tuple(y.shape)}", len(y) == count and y.ndim > 1)
    v = drawn(*y.shape)
    _linear(a, x, w)
    _alone(a, x, v)
    _adjoint(a, x, v)
    _inverted(a, x, w, v)
    _rows(a, x)
    _facts(a, x, generator)


def _pure(a: LinearOperator, x: Tensor) -> Tensor:
    before = x.clone()
    y: Tensor = a(x)
    equal("A leaves the images as they were", x, before, 0.0)
    equal("A draws nothing: the same again", a(x), y, 0.0 if x.device.type == "cpu" else EXACT)
    return y


def _linear(a: LinearOperator, x: Tensor, w: Tensor) -> None:
    equal("linear, A (2 x - 3 w) = 2 A x - 3 A w", a(2 * x - 3 * w), 2 * a(x) - 3 * a(w), EXACT)


def _alone(a: LinearOperator, x: Tensor, v: Tensor) -> None:
    exact = 0.0 if x.device.type == "cpu" else EXACT
    other, turned = torch.cat([x[:1], -x[1:]]), torch.cat([v[:1], -v[1:]])
    equal("an image does not see its neighbours, A", a(x)[:1], a(other)[:1], exact)
    equal("an image does not see its neighbours, A^T", a.adjoint(v)[:1], a.adjoint(turned)[:1], exact)
    single = copy.deepcopy(a).float()
    equal("float32 images are measured in float32", single(x.float()).double(), a(x), 1e-4)


def _adjoint(a: LinearOperator, x: Tensor, v: Tensor) -> None:
    equal("A^T y is an image", a.adjoint(v), a.adjoint(v).reshape(x.shape), 0.0)
    n = a.box_size
    for i in range(len(x)):
        equal("adjoint, <A x, y> = <x, A^T y>", (a(x) * v)[i].sum(), (x * a.adjoint(v))[i].sum(), EXACT, n**2)
    moving = x.clone().requires_grad_()
    hold("gradients flow through A, which is made of torch's operations alone", a(moving).requires_grad)
    (gradient,) = torch.autograd.grad((a(moving) - v).square().sum() / 2, moving)
    equal("gradient of |A x - y|^2 / 2 = A^T (A x - y)", gradient, a.adjoint(a(x) - v), EXACT)


def _inverted(a: LinearOperator, x: Tensor, w: Tensor, v: Tensor) -> None:
    y, n = a(x), a.box_size
    other = torch.cat([x[:1], -x[1:]])
    equal("an image does not see its neighbours, A^+", a.pinv(y)[:1], a.pinv(a(other))[:1], EXACT)
    equal("A A^+ A = A", a(a.pinv(y)), y, SOLVED)
    equal("A^+ A A^+ = A^+", a.pinv(a(a.pinv(v))), a.pinv(v), SOLVED)
    equal("A^+ A is symmetric", (a.pinv(y) * w).sum(), (x * a.pinv(a(w))).sum(), SOLVED, n**2)
    equal("A A^+ is symmetric", (a(a.pinv(v)) * y).sum(), (v * a(a.pinv(y))).sum(), SOLVED, n**2)
    for rho in (1e-3, 0.7):
        u = a.data_step(w, v, rho)
        pull = a.adjoint(v)
        equal(f"A^T (A u - y) + rho (u - z) = 0, rho = {rho}", a.adjoint(a(u)) + rho * (u - w), pull, SOLVED)
    zero_filled = a.zero_filled(y)
    hold("the zero-filled image is a finite image", zero_filled.shape == x.shape and bool(torch.isfinite(zero_filled).all()))
    hold("the view of a measurement is one picture for each image", a.view(y).ndim == 3 and len(a.view(y)) == len(x))


def _rows(a: LinearOperator, x: Tensor) -> None:
    c, gain = a.row_forward(x), a.row_noise_gain
    equal("V^T x = D^-1 U^T A x", c, a.row_coordinates(a(x)), SOLVED)
    equal("V V^T = A^+ A", a.row_adjoint(c), a.pinv(a(x)), SOLVED)
    equal("V^T V = 1 on what is measured", a.row_forward(a.row_adjoint(c)), c, SOLVED)
    hold("coordinates that are not measured are zero", not bool((c * (gain == 0)).any()))
    stretched = torch.where(gain > 0, c / gain.clamp_min(torch.finfo(gain.dtype).tiny), 0.0)
    equal("|A V c| = |D c|", squares(a(a.row_adjoint(c))), squares(stretched), SOLVED)
    equal("norm = the largest of D", a.norm, (1 / torch.where(gain > 0, gain, torch.inf)).flatten(1).amax(1), 1e-3)
    hold("rank = how many of D are not zero", bool((a.rank == (gain > 0).flatten(1).sum(1)).all()))
    amplitudes = fourier.half_plane(x[0, 0]).abs()
    scale = a.row_filter(amplitudes)
    if scale is not None:
        filtered = a.row_forward(fourier.filtered(a.row_adjoint(c), amplitudes))
        equal("a filter multiplies coordinates where it says so", filtered, scale * c, EXACT)


def _facts(a: LinearOperator, x: Tensor, generator: torch.Generator) -> None:
    n, shares, norms = a.box_size, a.measured_shares, a.measurement_norms
    hold("shares lie in [0, 1]", bool((shares > -SOLVED).all() and (shares < 1 + SOLVED).all()))
    equal("shares add up to the rank", shares.flatten(1).sum(1), a.rank.double(), SOLVED)
    for row, column in ((0, 0), (1, 2), (-3, 1)):
        equal("shares are |A^+ A e_k|^2", shares[:, n // 2 + row, n // 2 + column], _share(a, row, column), SOLVED, 1.0)
    y = a(x)
    flat = norms.flatten(1)
    for i in torch.randint(flat.shape[1], (5,), generator=generator).tolist():
        unit = torch.zeros_like(y).flatten(1)
        unit[:, i] = 1
        found = squares(a.adjoint(unit.reshape(y.shape))).sqrt()
        equal("row norms = |A^T e|", flat[:, i].expand(len(x)), found, SOLVED)
    equal("the mean diagonal of A^T A is that of the row norms", a.mean_diagonals * n**2, flat.square().sum(1), EXACT)
    hold("the rank is at most the numbers measured", bool((a.rank <= a.numbers_measured).all()))
    hold("A adds only where it says so", not a.adds_only or bool((a(x.abs()) >= 0).all()))


def _share(a: LinearOperator, row: int, column: int) -> Tensor:
    """Return ``|A^+ A e_k|^2``, (p,), for the plane wave with these numbers of periods: its real and its imaginary part."""
    axis = torch.arange(a.box_size, dtype=torch.float64, device=_device(a))
    phase = 2 * torch.pi * (row * axis[:, None] + column * axis) / a.box_size
    waves = [part.expand(a.mask_sets, 1, -1, -1) / a.box_size for part in (torch.cos(phase), torch.sin(phase))]
    return torch.stack([squares(a.pinv(a(wave))) for wave in waves]).sum(0)


def _device(a: LinearOperator) -> torch.device:
    return next((part.device for part in a.buffers()), torch.device("cpu"))
