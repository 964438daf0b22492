"""cryoDRGN's poses and CTF parameters: units, and what has to fit together."""

import pickle
from pathlib import Path

import numpy as np
import pytest

from cryosense.data import ParticleDataError, ParticleStack
from cryosense.data.cryodrgn import read_cryodrgn

ANGLES = np.array([[10.0, 20.0, 30.0], [-120.0, 90.0, 5.0], [170.0, 150.0, -60.0]])


@pytest.fixture
def poses(tmp_path: Path, relion_matrix) -> Path:
    matrices = np.stack([relion_matrix(*each) for each in ANGLES])
    translations = np.array([[0.125, -0.25], [0, 0], [0.5, 0.0625]])
    (tmp_path / "poses.pkl").write_bytes(pickle.dumps((matrices.astype(np.float32), translations.astype(np.float32))))
    return tmp_path / "poses.pkl"


@pytest.fixture
def ctf(tmp_path: Path) -> Path:
    rows = [[16, 1.1, 15000, 14800, 33, voltage, 2.7, 0.1, 90] for voltage in (300, 200, 300)]
    (tmp_path / "ctf.pkl").write_bytes(pickle.dumps(np.array(rows, np.float32)))
    return tmp_path / "ctf.pkl"


def test_units_and_optics_groups(poses, ctf) -> None:
    # ctf.pkl speaks of 16 px of 1.1 Angstrom; the images have 8, so pixels of 2.2.
    table, optics = read_cryodrgn([poses, ctf], 8, None)
    np.testing.assert_allclose(table[["rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi"]], ANGLES, atol=1e-4)
    np.testing.assert_allclose(table["rlnOriginXAngst"], np.array([0.125, 0, 0.5]) * 17.6)
    np.testing.assert_allclose(table["rlnOriginYAngst"], np.array([-0.25, 0, 0.0625]) * 17.6)
    assert table["rlnDefocusU"].tolist() == [15000] * 3
    assert table["rlnPhaseShift"].tolist() == [90] * 3
    assert table["rlnOpticsGroup"].tolist() == [1, 2, 1]
    assert optics["rlnVoltage"].tolist() == [300, 200]
    np.testing.assert_allclose(optics["rlnImagePixelSize"], 2.2)


def test_beside_a_stack(poses, ctf, write_stack, noise) -> None:
    path = write_stack("binned.mrcs", noise(0, 3, 8, 8))
    stack = ParticleStack.open(path, [poses, ctf])
    assert stack.pixel_size_angstrom == pytest.approx(2.2)
    assert list(stack.metadata["rlnAngleTilt"].round(3)) == [20, 90, 150]
    with pytest.raises(ParticleDataError, match="3 rows for the 4 images"):
        ParticleStack.open(write_stack("four.mrcs", noise(0, 4, 8, 8)), [poses, ctf])


def test_what_does_not_fit(tmp_path: Path, poses, write_stack, noise) -> None:
    with pytest.raises(ParticleDataError, match="translations need a pixel size"):
        read_cryodrgn([poses], 8, None)
    (tmp_path / "z.pkl").write_bytes(pickle.dumps(np.zeros((3, 8))))
    with pytest.raises(ParticleDataError, match=r"z\.pkl: arrays of shape \(3, 8\)"):
        read_cryodrgn([tmp_path / "z.pkl"], 8, 1.0)
    with pytest.raises(ParticleDataError, match="do not go together"):
        ParticleStack.open(write_stack("a.mrcs", noise(0, 3, 8, 8)), [poses, write_stack("b.mrcs", noise(0, 3, 8, 8))])
