"""The loop that adds the coefficients of two maps to the cones that they lie in, compiled by numba. Imported on first use."""

from __future__ import annotations

import numpy as np

from cryosense.compiling import compiled


@compiled
def add_to_cones(one, other, directions, least_cosine, sums):  # type: ignore[no-untyped-def]
    """Add half spectra (n, n, n // 2 + 1) complex128, point by point in their order, to ``sums`` (shells, cones, 4) float64.

    In shells 1 to Nyquist: real part of the product with the other's conjugate, both powers, and how many independent
    coefficients these are, for each of the ``directions`` (cones, 3) float32 to which the point, or its Friedel partner, is at
    least as near as ``least_cosine``, a float32, says.
    """
    n, half = one.shape[0], one.shape[0] // 2
    for plane in range(n):
        z = (plane + half) % n - half
        for row in range(n):
            y = (row + half) % n - half
            for x in range(half + 1):
                radius = np.sqrt(np.float32(z * z + y * y + x * x))
                shell = int(np.round(radius))
                if shell == 0 or shell > half:
                    continue
                times = 1.0 if x == 0 or 2 * x == n else 2.0
                a, b = one[plane, row, x], other[plane, row, x]
                cross = (a.real * b.real + a.imag * b.imag) * times
                power, other_power = (a.real**2 + a.imag**2) * times, (b.real**2 + b.imag**2) * times
                ux, uy, uz = np.float32(x) / radius, np.float32(y) / radius, np.float32(z) / radius
                for cone in range(directions.shape[0]):
                    cosine = ux * directions[cone, 0] + uy * directions[cone, 1] + uz * directions[cone, 2]
                    if abs(cosine) >= least_cosine:
                        sums[shell, cone, 0] += cross
                        sums[shell, cone, 1] += power
                        sums[shell, cone, 2] += other_power
                        sums[shell, cone, 3] += 0.5 * times
