"""Poses, CTF and half sets out of RELION's tables, and every way in which they can be missing."""

from pathlib import Path

import pytest
import torch

from cryosense.data import ParticleDataError, ParticleStack
from cryosense.tasks.maps.alignments import Alignments
from cryosense.volumes.ctf import CtfParameters, ctf_half_plane
from cryosense.volumes.poses import rotation_matrices
from tests.tasks.stacks import BOX, COUNT, PIXEL, change, particle_table, write_stack


def test_columns_arrive_as_they_are_written(tmp_path: Path) -> None:
    alignments = Alignments.of(ParticleStack.open(write_stack(tmp_path)), with_ctf=True)
    table = particle_table()
    angles = torch.tensor(table[["rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi"]].to_numpy())
    rows = torch.tensor([7, 2])
    torch.testing.assert_close(alignments.rotations(rows), rotation_matrices(angles[rows]).float())
    torch.testing.assert_close(alignments.origins_angstrom[:, 1], torch.tensor(table["rlnOriginYAngst"].to_numpy()))
    assert alignments.half_set.tolist() == (table["rlnRandomSubset"] - 1).tolist()
    ctf = alignments.ctf(rows)
    assert ctf is not None
    for row, made, optics in zip(rows.tolist(), ctf, [(200.0, 2.0, 0.07), (300.0, 2.7, 0.1)], strict=True):
        u, v, angle = (torch.tensor([table[f"rlnDefocus{name}"][row]]).float() for name in ("U", "V", "Angle"))
        alone = ctf_half_plane(CtfParameters(u, v, angle, *optics, 0.0, 0.0), BOX, PIXEL)[0]
        torch.testing.assert_close(made, alone, atol=1e-4, rtol=0)


def test_what_a_file_need_not_have(tmp_path: Path) -> None:
    """Half sets alternate, origins are zero or in pixels as RELION 3.0 has them, no CTF is read where none is corrected."""
    star = write_stack(tmp_path)
    bare = change(star, {}, drop=("rlnRandomSubset", "rlnOriginXAngst", "rlnOriginYAngst", "rlnDefocusU"))
    alignments = Alignments.of(ParticleStack.open(bare), with_ctf=False)
    assert alignments.half_set.tolist() == [i % 2 for i in range(COUNT)]
    assert not alignments.origins_angstrom.any()
    assert alignments.ctf(torch.tensor([0])) is None
    old = change(star, {"rlnOriginX": 1.5, "rlnOriginY": -2.0}, drop=("rlnOriginXAngst", "rlnOriginYAngst"))
    in_pixels = Alignments.of(ParticleStack.open(old), with_ctf=True)
    assert in_pixels.origins_angstrom[3].tolist() == [1.5 * PIXEL, -2.0 * PIXEL]
    table = particle_table()
    for shift, notes in ((0.0, ()), (0.1, ("not used: rlnOriginX",))):
        pixels = {f"rlnOrigin{axis}": (table[f"rlnOrigin{axis}Angst"] / PIXEL).tolist() for axis in "XY"}
        both = change(star, pixels | {"rlnOriginX": (table["rlnOriginXAngst"] / PIXEL + shift).tolist()})
        found = Alignments.of(ParticleStack.open(both), with_ctf=True)
        assert found.notes == notes
        used = torch.tensor(table["rlnOriginXAngst"].to_numpy())
        torch.testing.assert_close(found.origins_angstrom[:, 0], used, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("particles", "drop", "drop_optics", "message"),
    [
        ({}, ("rlnAngleTilt", "rlnAnglePsi"), (), "no column rlnAngleTilt, rlnAnglePsi: poses"),
        ({}, ("rlnDefocusV",), ("rlnVoltage",), "no column rlnDefocusV, rlnVoltage: .* ctf_correction=false"),
        ({}, ("rlnOriginYAngst",), (), "no column rlnOriginYAngst"),
        ({"rlnRandomSubset": 1}, (), (), "no particle is in half set 2"),
        ({"rlnRandomSubset": 0}, (), (), "rlnRandomSubset must be 1 or 2"),
        ({"rlnAngleRot": ["nan"] + ["1.0"] * (COUNT - 1)}, (), (), r"rlnAngleRot is not a number for 1 particle\(s\), .* 0"),
    ],
)
def test_what_is_missing_is_named(
    tmp_path: Path, particles: dict[str, object], drop: tuple[str, ...], drop_optics: tuple[str, ...], message: str
) -> None:
    star = change(write_stack(tmp_path), particles, drop, drop_optics)
    with pytest.raises(ParticleDataError, match=message):
        Alignments.of(ParticleStack.open(star), with_ctf=True)


def test_other_poses_have_another_fingerprint(tmp_path: Path) -> None:
    star = write_stack(tmp_path)
    first = Alignments.of(ParticleStack.open(star), with_ctf=True).fingerprint()
    assert first == Alignments.of(ParticleStack.open(star), with_ctf=True).fingerprint()
    other = change(star, {"rlnAngleRot": 1.0})
    assert first != Alignments.of(ParticleStack.open(other), with_ctf=True).fingerprint()


def test_tilts_that_may_be_radians_are_named(tmp_path: Path) -> None:
    many = torch.linspace(0, torch.pi, COUNT, dtype=torch.float64).tolist()
    star = change(write_stack(tmp_path), {"rlnAngleTilt": many})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cryosense.data.radians.MANY", COUNT)
        notes = Alignments.of(ParticleStack.open(star), with_ctf=True).notes
    assert notes == (
        f"rlnAngleTilt is taken as degrees, but lies in 0.00 ... 3.14 for all {COUNT} particles: are these radians?",
    )
