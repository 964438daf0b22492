"""The ground truth as RELION's tables."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from .microscope import Microscope
from .particles import ParticleTruth


def particle_table(truth: ParticleTruth, microscope: Microscope, *, group_per_micrograph: bool = False) -> pd.DataFrame:
    """Return one row per particle with RELION 3.1 columns; half sets alternate with the particle's index (even 1, odd 2)."""
    ctf = truth.ctf
    micrographs = microscope.micrographs(truth.particles)
    return pd.DataFrame(
        {
            "rlnMicrographName": [f"micrograph_{index + 1:06d}.mrc" for index in micrographs],
            "rlnOpticsGroup": [index + 1 for index in micrographs] if group_per_micrograph else 1,
            "rlnAngleRot": truth.angles_deg[:, 0].numpy(),
            "rlnAngleTilt": truth.angles_deg[:, 1].numpy(),
            "rlnAnglePsi": truth.angles_deg[:, 2].numpy(),
            "rlnOriginXAngst": truth.origins_angstrom[:, 0].numpy(),
            "rlnOriginYAngst": truth.origins_angstrom[:, 1].numpy(),
            "rlnDefocusU": ctf.defocus_u_angstrom.double().numpy(),
            "rlnDefocusV": ctf.defocus_v_angstrom.double().numpy(),
            "rlnDefocusAngle": ctf.defocus_angle_deg.double().numpy(),
            "rlnPhaseShift": ctf.phase_shift_deg,
            "rlnCtfBfactor": np.asarray(ctf.b_factor_angstrom2, dtype=float),
            "rlnRandomSubset": [1 + particle % 2 for particle in truth.particles],
        }
    )


def optics_table(microscope: Microscope, box_size: int, pixel_sizes_angstrom: Sequence[float]) -> pd.DataFrame:
    """Return the table with one optics group for each pixel size."""
    numbers = range(1, len(pixel_sizes_angstrom) + 1)
    return pd.DataFrame(
        {
            "rlnOpticsGroupName": [f"opticsGroup{number}" for number in numbers],
            "rlnOpticsGroup": numbers,
            "rlnVoltage": microscope.voltage_kv,
            "rlnSphericalAberration": microscope.spherical_aberration_mm,
            "rlnAmplitudeContrast": microscope.amplitude_contrast,
            "rlnImagePixelSize": pixel_sizes_angstrom,
            "rlnImageSize": box_size,
            "rlnImageDimensionality": 2,
        }
    )
