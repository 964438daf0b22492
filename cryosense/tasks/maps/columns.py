"""What a table says of particles is looked at before they are measured: verbs that use it later could only refuse the file."""

from __future__ import annotations

from cryosense.data import ParticleStack
from cryosense.data.radians import POSE
from cryosense.data.ranges import check_ranges
from cryosense.measurement.optics import ParticleOptics
from cryosense.measurement.optics_columns import CTF
from cryosense.tasks.maps.alignments import read_origins
from cryosense.tasks.maps.half_sets import HALF_SET


def check_columns(stack: ParticleStack) -> None:
    """Look at poses, half sets and optics as far as they are there; what is missing another table may say later.

    Raises:
        ParticleDataError: values that are no numbers or that no microscope and no refinement has; two pixel sizes.
    """
    tables, pixel_size = stack.tables, stack.pixel_size_angstrom
    for names in (POSE, [HALF_SET], CTF):
        there = [name for name in names if tables.has(name)]
        check_ranges(tables, there, tables.numbers(there))
    if pixel_size is not None:
        read_origins(stack, pixel_size)
        if all(map(tables.has, CTF)):
            ParticleOptics.of(tables, pixel_size, with_ctf=True)
