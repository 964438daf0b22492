"""Maps as other programs open them: ChimeraX and ModelAngelo go by mode, pixel size, origin and axis order."""

from collections.abc import Callable
from pathlib import Path

import gemmi
import mrcfile
import numpy as np
import pytest
import torch
from hydra import compose, initialize_config_dir

from cryosense.cli.conf_dir import conf_dir
from cryosense.cli.simulate import simulate
from cryosense.tasks.maps.files import write_volume

N, PIXEL = 24, 2.5
PLACE = (5, 9, 16)  # x, y, z of the only bright voxel


def ours(folder: Path) -> Path:
    volume = torch.zeros(N, N, N)
    volume[PLACE[2], PLACE[1], PLACE[0]] = 1
    write_volume(folder / "map.mrc", volume, PIXEL)
    return folder / "map.mrc"


def simulated(folder: Path) -> Path:
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        words = ["box_size=32", "pixel_size_angstrom=7.0", "count=1", "density.resolution_angstrom=14.0"]
        return simulate(compose("simulate", [f"output_dir={folder}", *words])) / "volume.mrc"


@pytest.mark.parametrize(("write", "pixel_size_angstrom"), [(ours, PIXEL), (simulated, 7.0)])
def test_headers_are_plain(tmp_path: Path, write: Callable[[Path], Path], pixel_size_angstrom: float) -> None:
    path = write(tmp_path / "maps" if write is simulated else tmp_path)
    assert mrcfile.validate(path)
    with mrcfile.open(path) as mrc:
        header = mrc.header
        assert mrc.is_volume()
        assert int(header.mode) == 2  # float32
        assert [int(header[name]) for name in ("mapc", "mapr", "maps")] == [1, 2, 3]
        assert [int(header[name]) for name in ("nxstart", "nystart", "nzstart")] == [0, 0, 0]
        assert [float(header.origin[axis]) for axis in "xyz"] == [0, 0, 0]
        assert [float(mrc.voxel_size[axis]) for axis in "xyz"] == pytest.approx([pixel_size_angstrom] * 3)
        assert [float(header.cellb[angle]) for angle in ("alpha", "beta", "gamma")] == [90, 90, 90]


def test_a_voxel_lies_where_an_atom_would(tmp_path: Path) -> None:
    """Coordinates in Angstrom count from the corner of the box, by gemmi, which reads maps on its own."""
    loaded = gemmi.read_ccp4_map(str(ours(tmp_path)), setup=True)
    place = gemmi.Position(*(PIXEL * np.array(PLACE)))
    assert loaded.grid.interpolate_value(place) == pytest.approx(1, abs=1e-5)
    assert loaded.grid.interpolate_value(gemmi.Position(place.z, place.y, place.x)) == pytest.approx(0, abs=1e-5)
