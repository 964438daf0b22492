"""CTFs of a source's particles: by number, whatever comes with them; treated images used or refused."""

from pathlib import Path

import pytest
import starfile
import torch

from cryosense.data import ParticleDataError, ParticleSource
from cryosense.errors import ArgumentError
from cryosense.measurement.particle_ctf import ParticleCtf, check_choice
from tests.tasks.stacks import BOX, COUNT, change, write_stack


def ctf_of(star: Path) -> ParticleCtf:
    found = ParticleCtf.of(opened(star))
    assert found is not None
    return found


def opened(star: Path) -> ParticleSource:
    return ParticleSource.open(star, None, None, None, None, None)


def optics(star: Path, **columns: object) -> Path:
    """-> the same file with other columns of its optics groups."""
    blocks = starfile.read(star, always_dict=True)
    blocks["optics"] = blocks["optics"].assign(**columns)
    starfile.write(blocks, star, overwrite=True)
    return star


def test_each_has_its_own_whatever_comes_with_it(tmp_path: Path) -> None:
    star = write_stack(tmp_path)
    numbers, ctf = torch.arange(COUNT), ctf_of(star)
    together = ctf(numbers)
    assert together.shape == (COUNT, 1, BOX, BOX // 2 + 1)
    assert len({plane.numpy().tobytes() for plane in together}) == COUNT
    for chosen in (torch.tensor([7, 2, 29]), torch.tensor([11])):
        assert torch.equal(ctf(chosen), together[chosen])
    named = ParticleCtf.of(opened(star), 100 - numbers)
    assert named is not None
    assert torch.equal(named(torch.tensor([100, 71])), together[[0, 29]])
    with pytest.raises(ArgumentError, match="states no CTF of some particles"):
        named(torch.tensor([101]))


def test_defoci_that_change_places_take_their_ctfs_along(tmp_path: Path) -> None:
    star = write_stack(tmp_path)
    before, table = ctf_of(star), starfile.read(star, always_dict=True)["particles"]
    columns = ["rlnDefocusU", "rlnDefocusV", "rlnDefocusAngle"]
    table.loc[[4, 6], columns] = table.loc[[6, 4], columns].to_numpy()  # of one optics group
    after, numbers = ctf_of(change(star, {name: table[name] for name in columns})), torch.arange(COUNT)
    order = numbers.clone()
    order[[4, 6]] = order[[6, 4]]
    assert torch.equal(after(numbers), before(order))
    assert after.fingerprint() != before.fingerprint()


def test_flipped_phases_and_pixel_sizes_are_used(tmp_path: Path) -> None:
    star = write_stack(tmp_path)
    numbers, recorded = torch.arange(COUNT), ctf_of(star)(torch.arange(COUNT))
    flipped = ctf_of(optics(star, rlnCtfDataArePhaseFlipped=[1, 0]))(numbers)
    assert torch.equal(flipped[0::2], recorded[0::2].abs())
    assert torch.equal(flipped[1::2], recorded[1::2])
    assert (recorded[0::2] < 0).any()
    finer = ctf_of(optics(star, rlnCtfDataArePhaseFlipped=0, rlnImagePixelSize=[4.0, 3.0]))(numbers)
    assert torch.equal(finer[0::2], recorded[0::2])
    assert not torch.equal(finer[1::2], recorded[1::2])


def test_where_nothing_is_said_there_is_none(tmp_path: Path) -> None:
    star = write_stack(tmp_path)
    bare = change(star, {}, ("rlnDefocusU", "rlnDefocusV", "rlnDefocusAngle"))
    assert ParticleCtf.of(opened(bare)) is None
    assert check_choice("auto")
    assert not check_choice("none")
    with pytest.raises(ArgumentError, match="ctf=maybe: give auto or none"):
        check_choice("maybe")


MAGNIFIED = {"rlnMagMat00": 1.06, "rlnMagMat01": 0.04, "rlnMagMat10": -0.03, "rlnMagMat11": 0.97}


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"rlnCtfDataAreCtfPremultiplied": 1}, "rlnCtfDataAreCtfPremultiplied is 1: .*, or set ctf=none"),
        (MAGNIFIED, "rlnMagMat00 ... 11 are not those of square pixels, .* set ctf=none"),
        ({"rlnVoltage": "none"}, "rlnVoltage is not a number"),
    ],
)
def test_what_cannot_be_used_is_refused(tmp_path: Path, columns: dict[str, object], message: str) -> None:
    star = optics(write_stack(tmp_path), **columns)
    with pytest.raises(ParticleDataError, match=message):
        ParticleCtf.of(opened(star))


def test_half_a_ctf_is_refused_and_other_columns_are_named(tmp_path: Path) -> None:
    star = write_stack(tmp_path)
    with pytest.raises(ParticleDataError, match=r"no column rlnDefocusV: .* or set ctf=none"):
        ParticleCtf.of(opened(change(star, {}, ("rlnDefocusV",))))
    assert "not used: rlnNormCorrection" in ctf_of(change(star, {"rlnNormCorrection": 0.8})).said()
