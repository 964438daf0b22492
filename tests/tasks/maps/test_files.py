"""Maps on disk: their scale and pixel size, and pictures of what they are."""

from pathlib import Path

import mrcfile
import numpy as np
import pandas as pd
import pytest

from cryosense.tasks.maps.files import write_maps, write_volume
from tests.tasks.assessments import assessment
from tests.tasks.balls import COUNT, PIXEL, N, gaussian, reconstruction


def test_what_is_written(tmp_path: Path) -> None:
    write_volume(tmp_path / "reference.mrc", gaussian(3), PIXEL)
    made = reconstruction()
    summary = write_maps(tmp_path, made, assessment(reference=str(tmp_path / "reference.mrc")).judge(made))
    assert summary == {
        "particles": COUNT,
        "half_sets": [200, 200],
        "half_sets_digest": "digest",
        "compression_dof": 2.0,
        "equivalent_particles": None,
        "unreached_share": 0.0,
        "warning": None,
    }
    with mrcfile.open(tmp_path / "map.mrc", mode="r") as mrc:
        assert float(mrc.voxel_size.x) == pytest.approx(PIXEL)
        assert np.abs(mrc.data - gaussian(3).numpy()).max() < 0.12
        assert mrc.data.argmax() == (N // 2 * N + N // 2) * N + N // 2
    table = pd.read_csv(tmp_path / "fsc.csv")
    assert table["to_reference"][: N // 4].min() > 0.99
    assert {path.name for path in tmp_path.iterdir()} == {
        *("half1.mrc", "half2.mrc", "map.mrc", "mask.mrc", "reference.mrc"),
        *("fsc.csv", "fsc.star", "resolution.csv", "anisotropy.csv"),
    }
