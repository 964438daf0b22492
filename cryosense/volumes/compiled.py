"""The loops that add slices to a half ball of sums and divide these, compiled by numba. Imported on first use."""

from __future__ import annotations

import numpy as np

from cryosense.compiling import compiled

PLANES = 16  # at a time: as many of a 128 px map at pad factor 2 as fit a shared cache
STEEP = np.float32(1e-3)
ONE = np.float32(1)
HALF = np.float32(0.5)


@compiled
def split_rows(numerators, rotations, first, last, splits):  # type: ignore[no-untyped-def]
    """Fill ``splits`` (b, n) with the column of each row where its points cross the plane x = 0 of the map."""
    b, n = splits.shape
    for i in range(b):
        slope = rotations[i, 0, 0]
        for row in range(n):
            y = np.float32(row if row < (n + 1) // 2 else row - n)
            offset = rotations[i, 0, 1] * y
            start, end = first[row], max(first[row], last[row])
            column = start
            if slope != 0:
                column = int(min(max(-offset / slope, np.float32(start)), np.float32(end)))
                before = slope < 0  # columns before the split have x >= 0
                while column > start and (slope * np.float32(column - 1) + offset >= 0) != before:
                    column -= 1
                while column < end and (slope * np.float32(column) + offset >= 0) == before:
                    column += 1
            elif offset < 0:
                column = end
            splits[i, row] = column


@compiled
def add_slices(sums, starts, slices, rotations, columns, splits, planes):  # type: ignore[no-untyped-def]
    """Add b slices to the planes of a half ball from ``planes[0]`` to ``planes[1]``, in the order of the slices.

    ``sums`` (3 v,) real part, imaginary part and weight of each point; ``starts`` (k, k) the first of each row z, y;
    ``slices`` numerators (b, n, h) complex64 and weights (b, n, h) float32; ``rotations`` (b, 3, 3) float32 from columns and
    rows of the slice to points; ``columns`` (n,) the first and (n,) the last used of each row; ``splits`` (b, n) from
    ``split_rows``.
    """
    (numerators, weights), (first, last), (z_from, z_to) = slices, columns, planes
    b, n, _ = weights.shape
    reach = np.float32(starts.shape[0] // 2)
    for low in range(z_from, z_to, PLANES):
        high = min(low + PLANES, z_to)
        # A point adds to its own plane and to the next.
        z_low, z_high = np.float32(low - 1), np.float32(high)
        for i in range(b):
            for side in range(2):
                # Of a point and its Friedel partner, the one with x >= 0 is kept.
                sign = ONE if side == 0 else -ONE
                ax, ay, az = sign * rotations[i, 0, 0], sign * rotations[i, 1, 0], sign * rotations[i, 2, 0]
                bx, by, bz = sign * rotations[i, 0, 1], sign * rotations[i, 1, 1], sign * rotations[i, 2, 1]
                leads = (side == 1) == (rotations[i, 0, 0] >= 0)
                steep = abs(az) > STEEP
                inverse = ONE / az if steep else ONE
                for row in range(n):
                    y = np.float32(row if row < (n + 1) // 2 else row - n)
                    start = first[row] if leads else splits[i, row]
                    end = splits[i, row] if leads else last[row]
                    if start >= end:
                        continue
                    oz = bz * y
                    z_start = az * np.float32(start) + oz + reach
                    z_end = az * np.float32(end - 1) + oz + reach
                    if (z_start < z_low and z_end < z_low) or (z_start >= z_high and z_end >= z_high):
                        continue
                    if steep:
                        enter, leave = (z_low - reach - oz) * inverse, (z_high - reach - oz) * inverse
                        if enter > leave:
                            enter, leave = leave, enter
                        start, end = int(max(enter - ONE, np.float32(start))), int(min(leave + ONE + ONE, np.float32(end)))
                    ox, oy = bx * y, by * y
                    for column in range(start, end):
                        x = np.float32(column)
                        z = az * x + oz + reach
                        weight = weights[i, row, column]
                        if weight == 0 or not (z >= z_low and z < z_high):
                            continue
                        value = numerators[i, row, column]
                        real, imaginary = value.real, sign * value.imag
                        if column == 0 and row == 0:
                            # The mean is its own Friedel partner, and is added a second time with the partners.
                            real, imaginary, weight = HALF * real, HALF * imaginary, HALF * weight
                        px, py = ax * x + ox, ay * x + oy + reach
                        kx, ky, kz = int(px), int(py), int(z)
                        tx, ty, tz = px - np.float32(kx), py - np.float32(ky), z - np.float32(kz)
                        for dz in range(2):
                            plane = kz + dz
                            if plane < low or plane >= high:
                                continue
                            along_z = tz if dz == 1 else ONE - tz
                            for dy in range(2):
                                share = along_z * (ty if dy == 1 else ONE - ty)
                                near, far = share * (ONE - tx), share * tx
                                at = np.uint64(3 * (starts[np.uint64(plane), np.uint64(ky + dy)] + kx))
                                sums[at] += near * real
                                sums[at + np.uint64(1)] += near * imaginary
                                sums[at + np.uint64(2)] += near * weight
                                sums[at + np.uint64(3)] += far * real
                                sums[at + np.uint64(4)] += far * imaginary
                                sums[at + np.uint64(5)] += far * weight


@compiled
def add_shell_weights(sums, starts, lengths, edge, size, totals):  # type: ignore[no-untyped-def]
    """Add the weights of a half ball to ``totals`` (shells,) of the half space of ``size``; see ``HalfBallSums.block``."""
    reach, half = starts.shape[0] // 2, size // 2
    for z in range(max(-half, -reach), min(size - half, reach + 1)):
        for y in range(max(-half, -reach), min(size - half, reach + 1)):
            start = 3 * starts[z + reach, y + reach]
            for x in range(min(lengths[z + reach, y + reach], half + 1)):
                weight = np.float64(sums[start + 3 * x + 2])
                if x == 0:
                    weight += edge[z + reach, y + reach, 2]
                if weight != 0:
                    totals[int(np.round(np.sqrt(np.float32(z * z + y * y + x * x))))] += weight


@compiled
def divide_block(parts, floor, size, first_plane, first, quotient):  # type: ignore[no-untyped-def]
    """Fill ``quotient`` (p, m, c) complex64, planes and columns from these on, with sums of two half balls, divided."""
    (sums, starts, lengths, edge), (other_sums, other_starts, other_lengths, other_edge) = parts
    reach, other_reach, half = starts.shape[0] // 2, other_starts.shape[0] // 2, size // 2
    last = first + quotient.shape[2]
    for plane in range(quotient.shape[0]):
        z = first_plane + plane - half
        for row in range(size):
            y = row - half
            count, other_count, start, other_start = 0, 0, 0, 0
            if abs(z) <= reach and abs(y) <= reach:
                count, start = min(lengths[z + reach, y + reach], half + 1), 3 * starts[z + reach, y + reach]
            if abs(z) <= other_reach and abs(y) <= other_reach:
                other_count = min(other_lengths[z + other_reach, y + other_reach], half + 1)
                other_start = 3 * other_starts[z + other_reach, y + other_reach]
            for x in range(first, min(max(count, other_count), last)):
                real, imaginary, weight = 0.0, 0.0, 0.0
                if x < count:
                    at = start + 3 * x
                    real, imaginary, weight = real + sums[at], imaginary + sums[at + 1], weight + sums[at + 2]
                if x < other_count:
                    at = other_start + 3 * x
                    real, imaginary = real + other_sums[at], imaginary + other_sums[at + 1]
                    weight += other_sums[at + 2]
                if x == 0 and count > 0:  # what the Friedel partners received
                    at_partner = edge[z + reach, y + reach]
                    real, imaginary, weight = real + at_partner[0], imaginary + at_partner[1], weight + at_partner[2]
                if x == 0 and other_count > 0:
                    at_partner = other_edge[z + other_reach, y + other_reach]
                    real, imaginary, weight = real + at_partner[0], imaginary + at_partner[1], weight + at_partner[2]
                shell = int(np.round(np.sqrt(np.float32(z * z + y * y + x * x))))
                divisor = weight + floor[shell]
                if shell <= half and divisor > 0:
                    quotient[plane, row, x - first] = complex(real / divisor, imaginary / divisor)
