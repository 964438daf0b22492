"""The laws of a reconstructor, for testing your own."""

from __future__ import annotations

import torch
from torch import Tensor

from cryosense.laws import equal, hold
from cryosense.measurement import FourierDesign, GaussianNoise, Measurement, acquire
from cryosense.reconstructors.base import Estimate, Reconstructor

ROUNDING = 1e-4  # of the largest value, on a GPU


def check_reconstructor(reconstructor: Reconstructor, measurement: Measurement | None = None, seed: int = 0) -> None:
    """Check that a reconstructor, fitted if it learns, obeys the laws.

    The laws: a name; one image for each measurement; the same result again, with nothing changed; bits that do not depend on
    the other images or their order. On a GPU, where rounding may depend on the batch, values instead of bits: to 1e-4 of the
    largest.

    Args:
        reconstructor: the method.
        measurement: of 3 images or more; by default one of 32 px.
        seed: seed of the default measurement.

    Raises:
        LawError: naming the first law that is broken.
    """
    m = measured(32, seed) if measurement is None else measurement
    before, state = m.y.clone(), {name: part.clone() for name, part in reconstructor.state_dict().items()}
    made: Estimate = reconstructor(m)
    hold(f"what it returns is an Estimate, not a {type(made).__name__}", isinstance(made, Estimate))
    hold("it has a name, which stands in records", isinstance(getattr(reconstructor, "name", None), str))
    n, rounding = m.operator.box_size, 0.0 if m.y.device.type == "cpu" else ROUNDING
    hold(f"one image for each measurement: {tuple(made.x.shape)}", made.x.shape == (len(m), 1, n, n))
    hold("images are finite and as precise as the measurement", bool(made.x.isfinite().all()) and made.x.dtype == m.y.dtype)
    for name, facts in (("iterations", made.iterations), ("gap", made.gap)):
        hold(f"one of {name} for each image", facts is None or facts.shape == (len(m),))
    hold("the deviation is an image", made.deviation is None or made.deviation.shape == made.x.shape)
    equal("pure: the measurement is left as it was", m.y, before, 0.0)
    equal("pure: the same again", reconstructor(m).x, made.x, rounding)
    for name, part in reconstructor.state_dict().items():
        hold(f"pure: {name} is left as it was", torch.equal(part, state[name]))
    for chosen in ([1], [2, 0]):
        images = torch.tensor(chosen)
        equal("an image does not see its neighbours or their order", reconstructor(m.part(images)).x, made.x[images], rounding)


def measured(box_size: int, seed: int) -> Measurement:
    """Return a measurement, by radial masks, of discs of several sizes in noise."""
    axis = torch.linspace(-1, 1, box_size)
    radius: Tensor = (axis[:, None] ** 2 + axis**2).sqrt()
    discs = (radius < torch.tensor([0.3, 0.5, 0.7, 0.4]).view(-1, 1, 1, 1)).float() - 0.5
    return acquire(discs, torch.arange(4), FourierDesign(), GaussianNoise(0.1, seed=seed))
