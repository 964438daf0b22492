"""FSC curves as files: a CSV with all of them, RELION's postprocess STAR, and the resolutions read from them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import starfile
import torch
from torch import Tensor

from cryosense.files.tables import THRESHOLDS
from cryosense.files.writing import written_whole
from cryosense.metrics import HalfMapCurves, resolution_angstrom

WITH_RESOLUTION = (
    *("unmasked", "masked", "corrected", "to_reference", "to_model"),
    *("cross_half1", "cross_half2", "uncompressed"),
)
RELION_SHELL_0_ANGSTROM = 999.0
RELION_COLUMNS = {
    "corrected": "rlnFourierShellCorrelationCorrected",
    "unmasked": "rlnFourierShellCorrelationUnmaskedMaps",
    "masked": "rlnFourierShellCorrelationMaskedMaps",
    "phase_randomised": "rlnCorrectedFourierShellCorrelationPhaseRandomizedMaskedMaps",
}


def fsc_table(curves: HalfMapCurves, others: dict[str, Tensor], box_size: int, pixel_size_angstrom: float) -> pd.DataFrame:
    """Return one row per shell: ``shell``, ``frequency_per_angstrom``, the half-map curves and a column for each other.

    ``others`` holds curves (n // 2 + 1,) by name.
    """
    shells = torch.arange(len(curves.unmasked))
    half_maps = {name: getattr(curves, name) for name in ("unmasked", "masked", "phase_randomised", "corrected")}
    columns = {name: curve.numpy() for name, curve in {**half_maps, **others}.items()}
    frequency = shells.double().numpy() / (box_size * pixel_size_angstrom)
    return pd.DataFrame({"shell": shells.numpy(), "frequency_per_angstrom": frequency, **columns})


def resolution_table(table: pd.DataFrame, box_size: int, pixel_size_angstrom: float) -> pd.DataFrame:
    """Return one row per curve and threshold: ``resolution_angstrom`` at the first crossing, and whether that is only Nyquist.

    ``at_nyquist`` says that the curve never fell below the threshold: the resolution is that or better.
    """
    lines = []
    for curve in [name for name in WITH_RESOLUTION if name in table.columns]:
        values = torch.tensor(table[curve].to_numpy())
        for threshold in THRESHOLDS:
            resolution = resolution_angstrom(values, pixel_size_angstrom, box_size, threshold)
            at_nyquist = bool((values[1:] >= threshold).all())
            lines.append({"curve": curve, "threshold": threshold, "resolution_angstrom": resolution, "at_nyquist": at_nyquist})
    return pd.DataFrame(lines)


def write_fsc_star(path: Path, table: pd.DataFrame, resolutions: pd.DataFrame, randomised_from_angstrom: float) -> None:
    """Write RELION's form: ``data_general`` with the final resolution, ``data_fsc`` with a row per shell.

    The final resolution is where the corrected curve falls below 0.143. As in RELION, shell 0 is at 999 Angstrom, and so is a
    resolution that does not exist.
    """
    final = resolutions.query("curve == 'corrected' and threshold == 0.143")["resolution_angstrom"].iloc[0]
    general = {
        "rlnFinalResolution": _finite(final),
        "rlnUnfilteredMapHalf1": "half1.mrc",
        "rlnUnfilteredMapHalf2": "half2.mrc",
        "rlnRandomiseFrom": _finite(randomised_from_angstrom),
    }
    frequency = table["frequency_per_angstrom"]
    columns = {
        "rlnSpectralIndex": table["shell"],
        "rlnResolution": frequency,
        "rlnAngstromResolution": (1 / frequency.where(frequency > 0)).fillna(RELION_SHELL_0_ANGSTROM),
        **{relion: table[name] for name, relion in RELION_COLUMNS.items()},
    }
    with written_whole(path) as unfinished:
        unfinished.write_text(starfile.to_string({"general": general, "fsc": pd.DataFrame(columns)}, float_format="%.6f"))


def _finite(resolution: float) -> float:
    return min(float(resolution), RELION_SHELL_0_ANGSTROM)
