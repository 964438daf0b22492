"""Densities from files: resampling, axis order, and a real map with its atomic model."""

from pathlib import Path

import mrcfile
import numpy as np
import pytest
import torch

from cryosense import fourier
from cryosense.simulation.files import MapDensity, ModelDensity
from cryosense.simulation.pseudo_atoms import PseudoAtoms

ATOMS = PseudoAtoms(torch.tensor([[9.0, 2.0, -14.0], [-16.0, 8.0, 3.0]]), torch.tensor([1.0, 0.6]))


def write_map(path: Path, data: np.ndarray, pixel: float, order: tuple[int, int, int] = (1, 2, 3)) -> str:
    with mrcfile.new(path) as mrc:
        mrc.set_data(data)
        mrc.voxel_size = pixel
        mrc.header.mapc, mrc.header.mapr, mrc.header.maps = order
    return str(path)


def test_resampling_is_rendering_at_the_other_pixel_size(tmp_path: Path) -> None:
    """A map of the same Gaussians at an incommensurate pixel size, coarser and finer, smaller and larger box."""
    source = ATOMS.render(60, 1.7, 14.0)
    density = MapDensity(write_map(tmp_path / "a.mrc", source.numpy(), 1.7), 0.0, None)
    for box, pixel in ((40, 2.3), (80, 1.1), (64, 2.0)):
        expected = ATOMS.render(box, pixel, 14.0)
        torch.testing.assert_close(density.volumes(box, pixel)[0], expected, atol=0.01 * float(expected.max()), rtol=0)


def test_axis_order_of_the_header_is_followed(tmp_path: Path) -> None:
    source = ATOMS.render(48, 2.0, 12.0)
    plain = MapDensity(write_map(tmp_path / "xyz.mrc", source.numpy(), 2.0), 0.0, None).volumes(48, 2.0)
    turned = np.ascontiguousarray(np.transpose(source.numpy(), (1, 2, 0)))  # sections y, rows x, columns z
    other = MapDensity(write_map(tmp_path / "zxy.mrc", turned, 2.0, order=(3, 1, 2)), 0.0, None).volumes(48, 2.0)
    torch.testing.assert_close(other, plain)


def test_unusable_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no map .*absent\.mrc"):
        MapDensity(str(tmp_path / "absent.mrc"), 0.0, None)
    with pytest.raises(ValueError, match=r"no atomic model .*absent\.pdb"):
        ModelDensity(str(tmp_path / "absent.pdb"), 8.0)
    path = write_map(tmp_path / "unknown.mrc", np.ones((8, 8, 8), dtype=np.float32), 0.0)
    with pytest.raises(ValueError, match=r"unknown\.mrc.*set source_pixel_size_angstrom"):
        MapDensity(path, 0.0, None).volumes(8, 1.0)


@pytest.mark.parametrize(("box", "pixel"), [(64, 3.5), (100, 2.02)])
def test_groel_is_seven_fold(reference_data: Path, box: int, pixel: float) -> None:
    """The real map keeps its C7 symmetry through resampling; the sum in projection along the axis shows it."""
    volume = MapDensity(str(reference_data / "real" / "emd_1997_groel.map"), 0.0, None).volumes(box, pixel)[0]
    assert seventh_harmonic(volume.sum(0), pixel) > 3


def test_atomic_model_weighs_its_atoms(reference_data: Path) -> None:
    """One heptamer: seven-fold as well, its mass that of its atoms (scattering at zero angle 2 to 2.5 each)."""
    model = ModelDensity(str(reference_data / "real" / "1oel_groel_heptamer.pdb"), 10.0)
    volume = model.volumes(64, 3.5)[0]
    atoms = len(model.atoms().weights)
    assert 1.9 * atoms < float(volume.sum()) < 2.6 * atoms
    assert seventh_harmonic(volume.sum(0), 3.5) > 3


def seventh_harmonic(image: torch.Tensor, pixel: float) -> float:
    """-> power of the 7th angular harmonic around the particle's ring (55 to 65 A) over the mean of its neighbours 2 to 12."""
    centre = image.shape[0] // 2
    angle = torch.arange(360) * torch.pi / 180
    profile = torch.zeros(360)
    for radius in (55.0, 60.0, 65.0):
        rows, columns = (centre + radius / pixel * f(angle) for f in (torch.sin, torch.cos))
        grid = torch.stack([columns, rows], -1)[None, None] / (image.shape[0] - 1) * 2 - 1
        profile += torch.nn.functional.grid_sample(image[None, None], grid.float(), align_corners=True)[0, 0, 0]
    power = fourier.fftn(profile, 1).abs()[180:] ** 2
    others = [k for k in range(2, 13) if k != 7]
    return float(power[7] / power[others].mean())
