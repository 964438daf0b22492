"""The laws of a design and of a quantiser, for testing your own."""

from __future__ import annotations

import copy

import torch
from torch import Tensor

from cryosense import fourier
from cryosense.laws import equal, hold
from cryosense.measurement.acquire import acquire
from cryosense.measurement.design import Design
from cryosense.measurement.mask_designs import FourierDesign
from cryosense.measurement.quantiser import Quantised, Quantiser
from cryosense.operators.base import LinearOperator
from cryosense.operators.checks import check_operator
from cryosense.seeding import standard_normals

IMAGES = 24
STATED = 0.2  # of the variance: by chance, and because no shell is quite normal
ONE_GAIN = 0.08
NUMBERS = torch.arange(IMAGES) * 3 + 1


def check_design(design: Design, box_size: int = 16, seed: int = 0) -> None:
    """Check that what measures which particle obeys the laws: it is drawn by seeds alone, and its operators obey theirs.

    The laws: the same design, made anew, gives the same operators; a particle's own masks depend on no other particle and on
    no order; ``check_operator``.

    Raises:
        LawError: naming the first law that is broken.
    """
    numbers = torch.tensor([5, 0, 2])
    x, again = images(box_size, seed)[:3], copy.deepcopy(design)
    measured = acquire(x, numbers, design)
    equal("drawn by its seed alone: the same operator when made anew", acquire(x, numbers, again).y, measured.y, 0.0)
    alone = acquire(x[1:2], numbers[1:2], again)
    equal("a particle's operator does not depend on the others", alone.y, measured.y[1:2], 1e-6)
    check_operator(measured.operator, seed)


def check_quantiser(quantiser: Quantiser, design: Design | None = None, box_size: int = 32, seed: int = 0) -> None:
    """Check that a quantiser obeys the laws, on images in [-1, 1] whose power falls with frequency.

    The laws: decoded measurements in the shape of what was measured, which is left as it was; the same again; no image depends
    on others or their order; bits for each image; the noise that it states is the noise that it adds, and nothing is shrunk.

    Args:
        quantiser: a copy of it learns, if it learns.
        design: what measures; by default radial Fourier masks.
        box_size: of the images.
        seed: of the images.

    Raises:
        LawError: naming the first law that is broken.
    """
    quantiser = copy.deepcopy(quantiser)
    operator = quantiser.operator((FourierDesign() if design is None else design).operator(box_size, NUMBERS))
    y = operator(images(box_size, seed))
    if quantiser.learns:
        quantiser.fit(y, operator, NUMBERS)
    before = y.clone()
    made: Quantised = quantiser(y, operator, NUMBERS)
    hold(f"what it returns is Quantised, not a {type(made).__name__}", isinstance(made, Quantised))
    equal("pure: the measurements are left as they were", y, before, 0.0)
    hold("decoded in the shape of what was measured, and finite", made.y.shape == y.shape and bool(made.y.isfinite().all()))
    bits = made.bits
    hold("positive bits for each image", bits.shape == (IMAGES,) and bool((bits > 0).all() and bits.isfinite().all()))
    equal("pure: the same again", quantiser(y, operator, NUMBERS).y, made.y, 0.0)
    _alone(quantiser, y, operator, made)
    _noise(y, operator, made)


def _alone(quantiser: Quantiser, y: Tensor, operator: LinearOperator, made: Quantised) -> None:
    for chosen in ([1], [2, 0]):
        few = torch.tensor(chosen)
        part = quantiser(y[few], operator.part(few), NUMBERS[few])
        equal("an image does not see its neighbours or their order: its numbers", part.y, made.y[few], 0.0)
        equal("an image does not see its neighbours or their order: its bits", part.bits, made.bits[few], 1e-9)


def _noise(y: Tensor, operator: LinearOperator, made: Quantised) -> None:
    """Compare what was added, in row coordinates, with what is stated."""
    coordinates = operator.row_coordinates(y)
    added = operator.row_coordinates(made.y) - coordinates
    stated = made.noise_std.expand(added.shape)
    found, said = float(added.square().mean()), float(stated.square().mean())
    words = f"a deviation of {found**0.5:.3g} was found, {said**0.5:.3g} is stated"
    hold(f"it adds the noise that it states, in row coordinates: {words}", abs(found - said) <= STATED * said + 1e-12)
    gain = 1 + float((added * coordinates).sum() / coordinates.square().sum())
    hold(f"nothing is shrunk or stretched: what it returns is {gain:.3g} times what was measured", abs(gain - 1) <= ONE_GAIN)


def images(box_size: int, seed: int) -> Tensor:
    """Return coloured noise in [-1, 1], (24, 1, n, n)."""
    white = torch.from_numpy(standard_normals(seed, [(i, 0) for i in range(IMAGES)], (1, box_size, box_size)))
    coloured = fourier.ifftn(fourier.fftn(white) / (1 + fourier.frequency_radius(box_size) / 4)).real.float()
    return coloured / coloured.abs().max()
