"""Data sets on disk: what other programs read, resumption, refusal."""

import json
from pathlib import Path

import mrcfile
import numpy as np
import pandas as pd
import pytest
import starfile

from cryosense.runs.record import Kind
from cryosense.runs.run_directory import RunDirectory, RunDirectoryError
from cryosense.simulation.dataset import SIMULATION, write_dataset
from cryosense.simulation.particles import ParticleSimulator

COUNT = 30


WITHOUT_FIGURE = Kind(tuple(name for name in SIMULATION.results if not name.endswith(".png")), scratch=SIMULATION.scratch)


def make(directory: Path, simulator: ParticleSimulator, seed: int = 3) -> tuple[Path, list[int]]:
    steps: list[int] = []
    with RunDirectory.open(directory, f"seed: {seed}", "simulated", WITHOUT_FIGURE) as run:
        if not run.done:
            run.finish(write_dataset(directory, simulator, count=COUNT, chunk_size=8, progress=steps.append))
    return directory, steps


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory, simulator: ParticleSimulator) -> Path:
    return make(tmp_path_factory.mktemp("simulated") / "set", simulator)[0]


def test_stacks_and_volumes_open_with_their_pixel_size(dataset: Path, simulator: ParticleSimulator) -> None:
    chunk = simulator.chunk(range(COUNT))
    for name, images in (("particles", chunk.noisy), ("clean", chunk.clean)):
        assert mrcfile.validate(dataset / f"{name}.mrcs")
        with mrcfile.open(dataset / f"{name}.mrcs") as mrc:
            assert float(mrc.voxel_size.x) == pytest.approx(7.0)
            np.testing.assert_array_equal(mrc.data, images[:, 0].numpy())
    for state, volume in enumerate(simulator.volumes):
        with mrcfile.open(dataset / f"volume_{state:03d}.mrc") as mrc:
            assert float(mrc.voxel_size.z) == pytest.approx(7.0)
            np.testing.assert_array_equal(mrc.data, volume.numpy())


def test_star_and_labels_tell_the_truth(dataset: Path, simulator: ParticleSimulator) -> None:
    tables = starfile.read(dataset / "particles.star")
    particles, optics = tables["particles"], tables["optics"]
    truth = simulator.truth(range(COUNT))
    assert particles["rlnImageName"][4] == "000005@particles.mrcs"
    np.testing.assert_allclose(particles[["rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi"]], truth.angles_deg, atol=1e-5)
    np.testing.assert_allclose(particles[["rlnOriginXAngst", "rlnOriginYAngst"]], truth.origins_angstrom, atol=1e-5)
    np.testing.assert_allclose(particles["rlnDefocusU"], truth.ctf.defocus_u_angstrom, atol=0.01)
    assert particles["rlnRandomSubset"].tolist() == [1, 2] * (COUNT // 2)
    assert particles["rlnMicrographName"].nunique() == 3
    assert optics[["rlnVoltage", "rlnImageSize", "rlnImagePixelSize"]].iloc[0].tolist() == [300.0, 32, 7.0]
    labels = pd.read_csv(dataset / "labels.csv")
    assert labels["state"].tolist() == truth.states.tolist()
    assert labels["hinge_angle_deg"].tolist() == [20.0 * state for state in truth.states.tolist()]


def test_finished_sets_are_left_alone_and_others_refused(dataset: Path, simulator: ParticleSimulator) -> None:
    before = {path: path.stat().st_mtime_ns for path in dataset.iterdir()}
    done = json.loads((dataset / "done.json").read_text())
    assert (done["count"], done["states"]) == (COUNT, 3)
    assert make(dataset, simulator)[1] == []
    with pytest.raises(ValueError, match="another configuration"):
        make(dataset, simulator, seed=4)
    assert {path: path.stat().st_mtime_ns for path in dataset.iterdir()} == before


def test_an_interrupted_set_is_continued_to_the_same_bytes(
    tmp_path: Path, dataset: Path, simulator: ParticleSimulator
) -> None:
    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), RunDirectory.open(tmp_path, "seed: 3", "simulated", WITHOUT_FIGURE):
        write_dataset(tmp_path, simulator, count=COUNT, chunk_size=8, progress=interrupt)
    assert not (tmp_path / "done.json").exists()
    make(tmp_path, simulator)
    for name in ("particles.mrcs", "clean.mrcs", "labels.csv", "volume_002.mrc"):
        left, right = (folder / name for folder in (tmp_path, dataset))
        if name == "volume_002.mrc":  # mrcfile writes the time into the header
            left_data, right_data = (mrcfile.read(path) for path in (left, right))
            np.testing.assert_array_equal(left_data, right_data)
        else:
            assert left.read_bytes() == right.read_bytes()


def test_files_of_unknown_origin_are_not_overwritten(tmp_path: Path, simulator: ParticleSimulator) -> None:
    (tmp_path / "particles.mrcs").write_bytes(b"somebody's")
    with pytest.raises(RunDirectoryError, match=r"holds particles\.mrcs but no config\.yaml"):
        make(tmp_path, simulator)
    assert [path.name for path in tmp_path.iterdir()] == ["particles.mrcs"]
