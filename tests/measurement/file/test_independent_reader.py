"""Another reader, made from the page on the format, decodes the same numbers."""

from pathlib import Path

import numpy as np
import pytest
import torch

from cryosense.data import ParticleSource
from cryosense.measurement import Full
from cryosense.measurement.file import MeasurementFile
from cryosense.measurement.quantisers import ByShell, Float16, Float32, LloydMax, Sign, Trellis, Uniform
from tests.measurement.file.stacks import write_many
from tests.measurement.file.test_file import make, measuring
from tests.measurement.independent_reader import read

QUANTISERS = {
    "float32": Float32,
    "float32_coded": lambda: Float32(coded=True),
    "float16_coded": lambda: Float16(coded=True),
    "uniform": Uniform,
    "uniform_dithered": lambda: Uniform(1.5, dither=True, seed=3),
    "lloyd_max_packed": lambda: LloydMax(5, coded=False),
    "trellis": Trellis,
    "by_shell_trellis": lambda: ByShell(
        [Trellis(0.4, 8, last_shell=3), Sign(last_shell=4), Uniform(1.0, last_shell=5), Trellis(1.0)]
    ),
    "sign_inside": lambda: Sign(last_shell=5),
    "by_shell": lambda: ByShell([Uniform(0.2, last_shell=1), LloydMax(4, coded=False, last_shell=4), Sign(dither=True)], 5),
}


@pytest.mark.parametrize("name", QUANTISERS)
def test_it_decodes_the_same_numbers(tmp_path: Path, name: str) -> None:
    source = ParticleSource.open(write_many(tmp_path, 70), None, None, None, None, None)
    path, some = tmp_path / "a.cryo.h5", torch.arange(3, 70)
    run = measuring(source.select(some), Full(), QUANTISERS[name](), particles=some)
    assert make(path, run)
    about, y = read(str(path))
    assert about["particles"] == 67
    assert np.array_equal(y, MeasurementFile.open(path).measurement(torch.arange(67)).y[:, 0])


def test_it_decodes_pixels(tmp_path: Path) -> None:
    source = ParticleSource.open(write_many(tmp_path, 70), None, None, None, None, None)
    path = tmp_path / "a.cryo.h5"
    assert make(path, measuring(source, Full("pixel"), LloydMax(3)))
    assert np.array_equal(read(str(path))[1], MeasurementFile.open(path).measurement(torch.arange(70)).y[:, 0])
