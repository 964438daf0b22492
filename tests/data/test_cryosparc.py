"""cryoSPARC's conventions against definitions written out here, and files in parts."""

from pathlib import Path

import numpy as np
import pytest
import torch

from cryosense.data import ParticleDataError, ParticleStack
from cryosense.data.cryosparc import read_cs

FIELDS = [
    ("uid", "<u8"),
    ("blob/path", "S60"),
    ("blob/idx", "<u4"),
    ("blob/shape", "<u4", (2,)),
    ("blob/psize_A", "<f4"),
    ("alignments3D/pose", "<f4", (3,)),
    ("alignments3D/shift", "<f4", (2,)),
    ("alignments3D/split", "<u4"),
]
CTF_FIELDS = [
    ("uid", "<u8"),
    ("ctf/df1_A", "<f4"),
    ("ctf/df2_A", "<f4"),
    ("ctf/df_angle_rad", "<f4"),
    ("ctf/phase_shift_rad", "<f4"),
    ("ctf/accel_kv", "<f4"),
    ("ctf/cs_mm", "<f4"),
    ("ctf/amp_contrast", "<f4"),
    ("ctf/exp_group_id", "<u4"),
]
UID = [900, 17, 2**63 + 5, 44]


def save(path: Path, table: np.ndarray) -> Path:
    with path.open("wb") as file:
        np.save(file, table)
    return path


@pytest.fixture
def particles(tmp_path: Path) -> Path:
    table = np.zeros(4, FIELDS)
    table["uid"] = UID
    table["blob/path"] = [b">J4/extract/one.mrc", b">J4/extract/two.mrc", b">J4/extract/one.mrc", b">J4/extract/two.mrc"]
    table["blob/idx"] = [2, 0, 0, 1]
    table["blob/shape"], table["blob/psize_A"] = 8, 1.3
    table["alignments3D/pose"] = np.random.default_rng(0).normal(size=(4, 3))
    table["alignments3D/pose"][1] = 0
    table["alignments3D/shift"] = [[1, -2], [0, 0], [0.5, 0.25], [3, 4]]
    table["alignments3D/split"] = [0, 1, 1, 0]
    return save(tmp_path / "particles.cs", table)


@pytest.fixture
def passthrough(tmp_path: Path) -> Path:
    table = np.zeros(5, CTF_FIELDS)
    table["uid"] = [44, 2**63 + 5, 1, 17, 900]
    table["ctf/df1_A"] = [10044, 10005, 10001, 10017, 10900]
    table["ctf/df2_A"] = table["ctf/df1_A"] - 200
    table["ctf/df_angle_rad"], table["ctf/phase_shift_rad"] = np.pi / 6, np.pi / 2
    table["ctf/accel_kv"], table["ctf/cs_mm"], table["ctf/amp_contrast"] = 300, 2.7, 0.1
    table["ctf/exp_group_id"] = [7, 7, 7, 3, 7]
    return save(tmp_path / "passthrough.cs", table)


def test_rotation_vectors_shifts_and_counts(particles, relion_matrix) -> None:
    tables, _ = read_cs([particles])
    table, optics = tables.particles, tables.optics
    vectors = np.load(particles)["alignments3D/pose"].astype(np.float64)
    for vector, angles in zip(vectors, table[["rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi"]].to_numpy(), strict=True):
        x, y, z = vector
        # RELION's matrix is the transpose of the rotation, so the generator changes sign.
        generator = torch.tensor([[0, z, -y], [-z, 0, x], [y, -x, 0]], dtype=torch.float64)
        np.testing.assert_allclose(relion_matrix(*angles), torch.linalg.matrix_exp(generator).numpy(), atol=1e-12)
    np.testing.assert_allclose(table["rlnOriginXAngst"], [1.3, 0, 0.65, 3.9])
    np.testing.assert_allclose(table["rlnOriginYAngst"], [-2.6, 0, 0.325, 5.2])
    assert table["rlnRandomSubset"].tolist() == [1, 2, 2, 1]
    assert table["rlnImageName"].tolist()[:2] == ["000003@J4/extract/one.mrc", "000001@J4/extract/two.mrc"]
    assert optics["rlnImagePixelSize"].tolist() == [1.3]
    assert optics["rlnImageSize"].tolist() == [8]


def test_a_turn_about_one_axis_has_the_sign_it_should(tmp_path: Path) -> None:
    table = np.zeros(2, [("alignments3D/pose", "<f4", (3,))])
    table["alignments3D/pose"] = [[0, np.deg2rad(30), 0], [0, 0, np.deg2rad(40)]]
    angles = read_cs([save(tmp_path / "a.cs", table)])[0].particles
    assert angles["rlnAngleTilt"].tolist() == pytest.approx([30, 0], abs=1e-4)
    assert (angles["rlnAngleRot"] + angles["rlnAnglePsi"]).tolist() == pytest.approx([0, 40], abs=1e-4)


def test_passthrough_is_joined_by_uid_and_groups_by_exposure_group(particles, passthrough) -> None:
    tables, _ = read_cs([particles, passthrough])
    table, optics = tables.particles, tables.optics
    assert table["rlnDefocusU"].tolist() == [10900, 10017, 10005, 10044]
    assert table["rlnDefocusV"].tolist() == [10700, 9817, 9805, 9844]
    np.testing.assert_allclose(table["rlnDefocusAngle"], 30, rtol=1e-6)
    np.testing.assert_allclose(table["rlnPhaseShift"], 90, rtol=1e-6)
    assert table["rlnOpticsGroup"].tolist() == [1, 2, 1, 1]
    assert optics["rlnVoltage"].tolist() == [300, 300]
    assert optics["rlnSphericalAberration"].tolist() == [2.7, 2.7]
    with pytest.raises(ParticleDataError, match=r"1 particles of passthrough\.cs are missing"):
        read_cs([passthrough, particles])


def test_images_come_from_the_stacks_it_names(tmp_path: Path, particles, write_stack, noise) -> None:
    one, two = noise(1, 3, 8, 8), noise(2, 2, 8, 8)
    write_stack("project/J4/extract/one.mrc", one)
    write_stack("project/J4/extract/two.mrc", two)
    stack = ParticleStack.open(particles, root=tmp_path / "project")
    np.testing.assert_array_equal(stack[:].numpy()[:, 0], np.stack([one[2], two[0], one[0], two[1]]))
    assert stack.pixel_size_angstrom == 1.3


def test_particles_that_were_never_split_have_no_half_sets(tmp_path: Path) -> None:
    for split, expected in (([0, 0], False), ([0, 1], True)):
        table = np.zeros(2, [("alignments3D/split", "<u4")])
        table["alignments3D/split"] = split
        columns = read_cs([save(tmp_path / "a.cs", table)])[0].particles
        assert ("rlnRandomSubset" in columns.columns) is expected


def test_images_are_multiplied_by_their_sign(tmp_path: Path, write_stack, noise) -> None:
    images = noise(1, 3, 8, 8)
    write_stack("one.mrc", images)
    table = np.zeros(3, [("blob/path", "S10"), ("blob/idx", "<u4"), ("blob/sign", "<f4")])
    table["blob/path"], table["blob/idx"], table["blob/sign"] = b"one.mrc", [2, 0, 1], [-1, 1, -1]
    stack = ParticleStack.open(save(tmp_path / "a.cs", table))
    np.testing.assert_array_equal(stack[:].numpy()[:, 0], images[[2, 0, 1]] * np.array([-1, 1, -1])[:, None, None])
    np.testing.assert_array_equal(stack.select([2, 1])[0].numpy()[0], -images[1])
    table["blob/sign"][1] = 0
    with pytest.raises(ParticleDataError, match=r"a\.cs: blob/sign must be 1 or -1"):
        ParticleStack.open(save(tmp_path / "a.cs", table))


def test_what_has_no_column_is_named_where_it_says_something(tmp_path: Path) -> None:
    fields = [("ctf/tilt_A", "<f4", (2,)), ("ctf/anisomag", "<f4", (4,)), ("alignments2D/pose", "<f4")]
    fields += [("ctf/scale", "<f4"), ("alignments3D/alpha", "<f4"), ("location/micrograph_shape", "<u4", (2,))]
    fields += [("location/center_x_frac", "<f4"), ("location/center_y_frac", "<f4")]
    table = np.zeros(2, fields)
    table["ctf/anisomag"][1, 2], table["ctf/scale"], table["alignments3D/alpha"] = 0.01, 1.5, [2.0, 1.0]
    table["location/micrograph_shape"], table["location/center_x_frac"] = (3000, 4000), [0.25, 0.5]
    tables, sign = read_cs([save(tmp_path / "a.cs", table)])
    assert sign is None
    assert tables.not_read == ("ctf/anisomag", "alignments2D/pose")
    assert tables.particles["rlnCtfScalefactor"].tolist() == [3.0, 1.5]
    assert tables.particles["rlnCoordinateX"].tolist() == [1000.0, 2000.0]


def test_what_is_no_cryosparc_file(tmp_path: Path) -> None:
    (tmp_path / "text.cs").write_text("no array")
    save(tmp_path / "plain.cs", np.zeros((3, 3)))
    table = np.zeros(2, [("location/micrograph_path", "S4")])
    table["location/micrograph_path"] = b"\xff\xfe"
    save(tmp_path / "bytes.cs", table)
    for name in ("text.cs", "plain.cs", "bytes.cs"):
        with pytest.raises(ParticleDataError, match=name):
            read_cs([tmp_path / name])


def test_a_file_of_no_particles_is_refused_by_name(tmp_path: Path) -> None:
    whole = save(tmp_path / "none.cs", np.zeros(0, FIELDS))
    with pytest.raises(ParticleDataError, match=r"none\.cs"):
        ParticleStack.open(whole)


def test_particles_that_are_not_there(tmp_path: Path) -> None:
    """Headers of 8,589,934,592 particles: of fields without bytes, and of a file without the bytes."""
    for descr, message in (
        ([("blob/path", "|S0"), ("blob/idx", "<u4", (0,))], "holds no data for them"),
        (FIELDS, "readable"),
    ):
        with (tmp_path / "a.cs").open("wb") as file:
            np.lib.format.write_array_header_1_0(file, {"descr": descr, "fortran_order": False, "shape": (2**33,)})
        with pytest.raises(ParticleDataError, match=rf"a\.cs: .*{message}"):
            read_cs([tmp_path / "a.cs"])


@pytest.mark.parametrize("name", ["alignments3D/pose", "ctf/df_angle_rad", "ctf/phase_shift_rad"])
def test_degrees_are_refused_where_cryosparc_has_radians(particles, passthrough, name) -> None:
    path = particles if name.startswith("alignments") else passthrough
    table = np.load(path)
    table[name] = np.rad2deg(table[name] + 0.1)
    save(path, table)
    with pytest.raises(ParticleDataError, match=f"{name} is .* for particle 0, .*: more than a turn; .* are radians"):
        read_cs([particles, passthrough])


def test_a_particle_that_stands_twice_in_what_is_joined_is_refused(particles, passthrough) -> None:
    table = np.load(passthrough)
    table["uid"][2] = 44
    save(passthrough, table)
    with pytest.raises(
        ParticleDataError, match=r"passthrough\.cs: cannot be joined to particles\.cs: uid 44 stands in it twice"
    ):
        read_cs([particles, passthrough])
