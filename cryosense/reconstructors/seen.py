"""How images were seen that a posterior is of: in noise of their own, and through a CTF that keeps their level."""

from __future__ import annotations

from torch import Tensor

from cryosense import fourier
from cryosense.measurement import Measurement
from cryosense.operators import FourierSampling
from cryosense.solvers.posterior import PLAIN, Imaging


def seen_in(image_noise: Tensor | None, measurement: Measurement) -> tuple[Tensor, Imaging]:
    """Return the deviation of all noise in row coordinates, and what of the images' own noise does not fit in there.

    ``image_noise`` is the centred spectrum, (n, n), of stationary noise of the images, None for none. Row coordinates are
    those of an orthonormal basis: white noise has the same variance in each, and coloured noise that of its frequency where
    they are Fourier coefficients. Elsewhere its coordinates depend on each other.
    """
    if image_noise is None:
        return measurement.noise_std, PLAIN
    operator = measurement.operator
    spectrum = image_noise.to(measurement.y.device)
    known = operator.row_noise_gain > 0
    if isinstance(operator, FourierSampling):
        return (measurement.noise_std**2 + (spectrum * known).to(measurement.y)).sqrt(), PLAIN
    if bool((spectrum == spectrum[0, 0]).all()):
        return (measurement.noise_std**2 + (spectrum[0, 0] * known).to(measurement.y)).sqrt(), PLAIN
    return measurement.noise_std, Imaging(noise=fourier.centred_to_half_plane(spectrum))


def level_kept(ctf: Tensor) -> Tensor:
    """Return the CTF, (b, 1, n, n // 2 + 1), with 1 at the origin, where images have a level of their own."""
    transfer = ctf.clone()
    transfer[..., 0, 0] = 1
    return transfer
