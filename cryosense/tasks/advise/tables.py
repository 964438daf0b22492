"""Advice as tables."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd
import torch

from cryosense.tasks.advise.advice import Found
from cryosense.tasks.advise.checking import Check
from cryosense.tasks.advise.prediction import Prediction


def scheme_table(predictions: Sequence[Prediction]) -> pd.DataFrame:
    """Return a row for each scheme."""
    rows = []
    for each in predictions:
        n = 2 * (len(each.curve) - 1)
        rows.append(
            {
                "measured": each.scheme.kind,
                "scheme": each.scheme.name,
                "last_shell": each.scheme.quantiser.last_shell,
                "bytes_per_particle": each.bytes,
                "times_smaller_than_float32": 4 * n**2 / each.bytes,
                "equivalent_particles_share": math.nan if each.equivalent is None else each.equivalent,
                "resolution_unmasked_angstrom": each.unmasked,
                "resolution_masked_angstrom": each.masked,
                "angular_error_factor": each.angular_error,
                "pose_information_nats": each.pose_nats,
            }
        )
    return pd.DataFrame(rows)


def spectra(found: Found) -> pd.DataFrame:
    """Return a row for each shell: what was found of the signal, and the FSC expected with each answer."""
    signal = found.of_all
    share = signal.particle_snr / (1 + signal.particle_snr)
    assert signal.images is not None, "a sample has images"
    columns = {
        "image_power": signal.images.power,
        "signal_share_of_it": share,
        "sample_log_snr": found.looked.signal.snr.log_snr,
        "log_snr_deviation": signal.snr.deviation,
        "expected_uncompressed": signal.curve(),
        "expected_uncompressed_masked": signal.curve(masked=True),
        **{f"expected_{answer.name}": answer.prediction.curve for answer in found.answers},
    }
    frequency = torch.arange(len(share)) / (signal.box_size * signal.pixel_size_angstrom)
    values = {name: column.numpy() for name, column in columns.items()}
    return pd.DataFrame({"shell": range(len(share)), "frequency_per_angstrom": frequency.numpy(), **values})


def checks_table(checks: tuple[Check, ...]) -> pd.DataFrame:
    """Return a row for each check: what was expected of the sample, and what was found."""
    rows = [
        {
            "answers": each.name,
            "scheme": each.expected.scheme.name,
            "bytes_expected": each.expected.bytes,
            "bytes_measured": each.bytes,
            "equivalent_expected": or_nan(each.expected.equivalent),
            "equivalent_measured": or_nan(each.cross),
            "equivalent_by_half_maps": or_nan(each.half_maps),
            "unmasked_expected_angstrom": each.expected.unmasked,
            "unmasked_measured_angstrom": each.unmasked,
            "masked_expected_angstrom": each.expected.masked,
            "masked_measured_angstrom": each.masked,
        }
        for each in checks
    ]
    return pd.DataFrame(rows, columns=None if rows else ["answers", "scheme"])


def or_nan(value: float | None) -> float:
    """Return a number, not-a-number where there is none."""
    return math.nan if value is None else value
