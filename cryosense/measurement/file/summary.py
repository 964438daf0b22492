"""What a measurement file is, in a few lines."""

from __future__ import annotations

import json
from typing import Any

import torch

from cryosense.measurement.file.reading import MeasurementFile

SHOWN_LOST = 5


def summary(file: MeasurementFile) -> dict[str, str]:
    """Read all of the file and return facts by name, in words, in reading order."""
    content, count, pixels = file.description.content, len(file), file.box_size**2
    missing, levels = file.missing(), int(file.level_bytes.sum())
    asked = float(file.quantiser.nominal_bits(file.operator(torch.zeros(1, dtype=torch.int64))).mean())
    pixel_size = "" if file.pixel_size_angstrom is None else f" of {file.pixel_size_angstrom:g} Å"
    whole = file.bytes_per_particle * count
    return {
        "particles": f"{count}, {file.box_size} px{pixel_size}, from {content['name']}",
        "design": _words(content["design"]),
        "noise": _words(content["noise"]),
        "quantiser": _words(content["quantiser"]),
        "scaling": _words(content["scaling"]),
        "bits per pixel": f"{asked / pixels:.4g} asked, {8 * levels / count / pixels:.4g} spent",
        "bytes": f"{whole:.0f}, {whole / count:.1f} per particle, {100 * (1 - levels / whole):.2f} % beside the levels",
        "ratio": f"{file.ratio:.2f} to float32, {file.ratio / 2:.2f} to float16",
        "checksums": "all good" if len(missing) == 0 else _lost(missing, count),
        "made by": _words(content["provenance"]),
    }


def _words(content: Any) -> str:
    return json.dumps(content, ensure_ascii=False).strip("{}").replace('"', "")


def _lost(missing: torch.Tensor, count: int) -> str:
    shown = ", ".join(str(int(i)) for i in missing[:SHOWN_LOST])
    return (
        f"{len(missing)} of {count} particles are damaged or gone, by position: {shown}{', ...' * (len(missing) > SHOWN_LOST)}"
    )
