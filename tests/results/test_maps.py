"""Maps on disk: their scale and pixel size, a picture of what they are, a reference that must be of their kind."""

from pathlib import Path

import mrcfile
import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from cryosense.data import ParticleDataError
from cryosense.metrics import sphere_mask
from cryosense.results.half_sums import HalfSums
from cryosense.results.maps import Assessment, write_maps, write_volume
from cryosense.volumes.backproject import slices
from cryosense.volumes.poses import quaternion_rotations
from cryosense.volumes.symmetry import point_group

N, PIXEL, COUNT = 16, 3.0, 400


def ball_mask(volume: torch.Tensor, pixel_size_angstrom: float) -> torch.Tensor:
    return sphere_mask(volume, pixel_size_angstrom, radius_angstrom=15.0, edge_pixels=2.0)


def gaussian(ndim: int) -> torch.Tensor:
    """-> (n,) * ndim: a centred Gaussian of deviation 1.5 px; its projection is one too, times 1.5 sqrt(2 pi)."""
    squares = (torch.arange(N) - N // 2) ** 2 / (2 * 1.5**2)
    return torch.exp(-sum(torch.meshgrid(*(squares,) * ndim, indexing="ij"), torch.zeros(())))


@pytest.fixture
def sums() -> HalfSums:
    sums = HalfSums(N, 2)
    rotations = quaternion_rotations(torch.randn(COUNT, 4, generator=torch.Generator().manual_seed(0)))
    images = (gaussian(2) * 1.5 * (2 * torch.pi) ** 0.5).expand(COUNT, N, N)
    terms = slices(images, torch.zeros(COUNT, 2), None, None, PIXEL)
    sums.insert(terms, rotations, torch.arange(COUNT) % 2, torch.tensor([N * N // 2]), point_group("C1"))
    return sums


def test_what_is_written(tmp_path: Path, sums: HalfSums) -> None:
    write_volume(tmp_path / "reference.mrc", gaussian(3), PIXEL)
    assessment = Assessment(ball_mask, 0.8, 0, str(tmp_path / "reference.mrc"))
    summary = write_maps(tmp_path, sums, 1e-3, assessment, PIXEL)
    assert summary == {"particles": COUNT, "half_sets": [200, 200], "compression_dof": 2.0}
    with mrcfile.open(tmp_path / "map.mrc", mode="r") as mrc:
        assert float(mrc.voxel_size.x) == pytest.approx(PIXEL)
        assert np.abs(mrc.data - gaussian(3).numpy()).max() < 0.12
        assert mrc.data.argmax() == (N // 2 * N + N // 2) * N + N // 2
    table = pd.read_csv(tmp_path / "fsc.csv")
    assert table["to_reference"][: N // 4].min() > 0.99
    assert {path.name for path in tmp_path.iterdir()} == {
        *("half1.mrc", "half2.mrc", "map.mrc", "mask.mrc", "reference.mrc"),
        *("fsc.csv", "fsc.star", "resolution.csv", "fsc.png"),
    }
    with Image.open(tmp_path / "fsc.png") as picture:
        pixels = np.asarray(picture.convert("L"))
    # Sections below, a ball in the middle one of them: neither empty nor black.
    assert pixels.shape[1] > 1000
    assert 0.05 < (pixels < 128).mean() < 0.9


@pytest.mark.parametrize(("size", "pixel"), [(N, 2 * PIXEL), (N + 2, PIXEL)])
def test_a_reference_of_another_kind_is_refused(tmp_path: Path, size: int, pixel: float) -> None:
    write_volume(tmp_path / "reference.mrc", torch.zeros(size, size, size), pixel)
    with pytest.raises(ParticleDataError, match="resample it"):
        Assessment(ball_mask, 0.8, 0, str(tmp_path / "reference.mrc")).check(N, PIXEL)
    with pytest.raises(ParticleDataError, match="cannot be read"):
        Assessment(ball_mask, 0.8, 0, str(tmp_path / "none.mrc")).check(N, PIXEL)
