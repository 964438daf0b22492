"""One particle of a measurement file: what was measured, and the image made from these numbers alone."""

from __future__ import annotations

import torch
from matplotlib.figure import Figure

from cryosense import fourier
from cryosense.errors import ArgumentError
from cryosense.measurement.file import MeasurementFile
from cryosense.reporting.style import scale_bar

DOTS_PER_INCH = 120


def draw_measured(file: MeasurementFile, position: int) -> Figure:
    """Draw the measurement of one particle, its pseudo-inverse, and the latter low-passed at a third of Nyquist.

    Raises:
        ArgumentError: a position that the file does not have.
        MeasurementFileError: a particle that is damaged or lost.
    """
    if not 0 <= position < len(file):
        raise ArgumentError(f"particle={position}: the file holds {len(file)}, counted from 0")
    measurement = file.measurement(torch.tensor([position]))
    image = measurement.operator.pinv(measurement.y)[0, 0]
    smooth = fourier.fourier_crop(image, max(2, file.box_size // 6 * 2))
    panels = {
        "measured": measurement.operator.view(measurement.y)[0],
        "pseudo-inverse": image,
        "pseudo-inverse, low shells": smooth,
    }
    figure = Figure(figsize=(9, 3.4), dpi=DOTS_PER_INCH, layout="constrained")
    for axes, (title, values) in zip(figure.subplots(1, len(panels)), panels.items(), strict=True):
        low, high = torch.quantile(values.flatten(), torch.tensor([0.01, 0.99])).tolist()
        axes.imshow(values.numpy(), cmap="gray", vmin=low, vmax=high if high > low else low + 1)
        axes.set(title=title, xticks=[], yticks=[])
    pixel_size = file.pixel_size_angstrom
    scale_bar(figure.axes[1], file.box_size, pixel_size)
    scale_bar(figure.axes[2], len(smooth), None if pixel_size is None else pixel_size * file.box_size / len(smooth))
    figure.suptitle(
        f"particle {int(measurement.numbers[0])}: {float(measurement.bits[0]) / file.box_size**2:.3g} bits a pixel"
    )
    return figure
