"""Centred orthonormal Fourier transforms, Friedel pairs and radial shells: the one room that calls ``torch.fft``.

Conventions. Images and volumes have their origin at index ``n // 2`` on each axis, in real and in Fourier space, so that a
centred spectrum can be looked at as it stands. All transforms are unitary (``norm="ortho"``). The Hartley functions and the
half plane keep the origin of real space at index 0, where no phase ramp is needed; what they return in the plane is centred.
"""

from cryosense.fourier.cosines import (
    dct_matrix,
    from_quadrants,
    quadrant_filter,
    to_quadrants,
)
from cryosense.fourier.half_space import (
    PLANES_AT_A_TIME,
    central_from_half_space,
    from_half_space,
    half_space,
    half_space_multiplicity,
    half_space_shells,
    portions,
)
from cryosense.fourier.hartley import (
    friedel_partner,
    half_to_centred_plane,
    hartley,
    hartley_to_half_plane,
    inverse_hartley,
)
from cryosense.fourier.resampling import (
    fourier_crop,
    fourier_pad,
    shear,
)
from cryosense.fourier.shells import (
    frequency_radius,
    power_spectrum,
    rotational_mean,
    shell_index,
    shell_mean,
    shell_sum,
)
from cryosense.fourier.transforms import (
    centred_half_plane,
    centred_to_half_plane,
    fftn,
    filtered,
    from_centred_half_plane,
    from_half_plane,
    from_half_spectrum,
    half_plane,
    half_spectrum,
    ifftn,
)

__all__ = [
    "PLANES_AT_A_TIME",
    "central_from_half_space",
    "centred_half_plane",
    "centred_to_half_plane",
    "dct_matrix",
    "fftn",
    "filtered",
    "fourier_crop",
    "fourier_pad",
    "frequency_radius",
    "friedel_partner",
    "from_centred_half_plane",
    "from_half_plane",
    "from_half_space",
    "from_half_spectrum",
    "from_quadrants",
    "half_plane",
    "half_space",
    "half_space_multiplicity",
    "half_space_shells",
    "half_spectrum",
    "half_to_centred_plane",
    "hartley",
    "hartley_to_half_plane",
    "ifftn",
    "inverse_hartley",
    "portions",
    "power_spectrum",
    "quadrant_filter",
    "rotational_mean",
    "shear",
    "shell_index",
    "shell_mean",
    "shell_sum",
    "to_quadrants",
]
