"""Noise spectra against what was asked for."""

import pytest
import torch

from cryosense import fourier
from cryosense.simulation.draws import Purpose, normals
from cryosense.simulation.noise import NoiseModel, PowerLawNoise, TabulatedNoise, WhiteNoise

N, PIXEL = 64, 2.0
FREQUENCY = torch.arange(N // 2 + 1) / (N * PIXEL)


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (WhiteNoise(), torch.ones(N // 2 + 1)),
        (PowerLawNoise(corner_angstrom=20.0, exponent=2.0), 1 / (1 + (20 * FREQUENCY) ** 2)),
        (TabulatedNoise([0.05, 0.15], [3.0, 1.0]), 3 - 20 * (FREQUENCY.clamp(0.05, 0.15) - 0.05)),
    ],
)
def test_spectrum_and_variance(model: NoiseModel, expected: torch.Tensor) -> None:
    noise = model.colour(normals(0, Purpose.NOISE, range(400), (N, N)), PIXEL)
    assert float(noise.var()) == pytest.approx(1.0, abs=0.01)
    ratio = fourier.power_spectrum(noise).mean(0) / expected
    assert (ratio[3:] / ratio[3:].mean() - 1).abs().max() < 0.06


def test_impossible_spectra_are_refused() -> None:
    with pytest.raises(ValueError, match="must increase"):
        TabulatedNoise([0.1, 0.1], [1.0, 1.0])
    with pytest.raises(ValueError, match="not be negative"):
        TabulatedNoise([0.1, 0.2], [1.0, -1.0])
    with pytest.raises(ValueError, match="same length"):
        TabulatedNoise([0.1], [])
    with pytest.raises(ValueError, match="must both be positive"):
        PowerLawNoise(0.0, 2.0)
