"""Whatever was done to images, and said in their table, is taken back: what enters a map is the slice that they came from."""

from pathlib import Path

import pytest
import starfile
import torch

from cryosense import fourier
from cryosense.data import ParticleDataError, ParticleStack, StackWriter
from cryosense.measurement.optics import ParticleOptics
from cryosense.tasks.maps.alignments import Alignments
from cryosense.volumes.poses import origin_phases
from tests.tasks.stacks import BOX, COUNT, PIXEL, particle_table, write_stack

TILT = {"rlnBeamTiltX": 6.0, "rlnBeamTiltY": -11.0}
ZERNIKE = {"rlnOddZernike": "[1.0,-2.0,30.0,0,-50.0,7.0]", "rlnEvenZernike": "[0.3,5.0,-4.0,7.0]"}
MAGNIFICATION = {"rlnMagMat00": 1.06, "rlnMagMat01": 0.04, "rlnMagMat10": -0.03, "rlnMagMat11": 0.97}
FLIPPED, PREMULTIPLIED = {"rlnCtfDataArePhaseFlipped": 1}, {"rlnCtfDataAreCtfPremultiplied": 1}


def rewritten(star: Path, optics: dict[str, object], particles: dict[str, object]) -> Path:
    """-> the STAR file with columns added to either table."""
    blocks = starfile.read(star, always_dict=True)
    blocks["optics"] = blocks["optics"].assign(**optics)
    blocks["particles"] = blocks["particles"].assign(**particles)
    starfile.write(blocks, star, overwrite=True)
    return star


def write_images(folder: Path, images: torch.Tensor) -> None:
    (folder / "particles.mrcs").unlink(missing_ok=True)
    with StackWriter(folder / "particles.mrcs", COUNT, BOX, PIXEL) as writer:
        writer.write(0, images[:, None])
        writer.finish()


@pytest.mark.parametrize("treated", [{}, FLIPPED, PREMULTIPLIED], ids=["recorded", "flipped", "premultiplied"])
@pytest.mark.parametrize(
    "lens",
    [{}, TILT, ZERNIKE, TILT | ZERNIKE | {"rlnCtfScalefactor": 0.7, "rlnCtfBfactor": 60.0}],
    ids=["ideal", "tilted", "zernike", "all"],
)
def test_terms_are_those_of_the_slice(tmp_path: Path, treated: dict[str, object], lens: dict[str, object]) -> None:
    """Without noise the numerator is c^2 times the slice in all cases; images are made here, by the definition of each."""
    star = rewritten(write_stack(tmp_path), treated | {k: v for k, v in lens.items() if "Ctf" not in k}, {})
    star = rewritten(star, {}, {k: v for k, v in lens.items() if "Ctf" in k})
    optics = ParticleOptics.of(ParticleStack.open(star).tables, PIXEL, with_ctf=True)
    rows, table = torch.arange(COUNT), particle_table()
    origins = torch.tensor(table[["rlnOriginXAngst", "rlnOriginYAngst"]].to_numpy()).float()
    slice_ = fourier.centred_half_plane(torch.randn(COUNT, BOX, BOX, generator=torch.Generator().manual_seed(5)))
    y, x = torch.meshgrid(torch.fft.fftfreq(BOX), torch.fft.rfftfreq(BOX), indexing="ij")
    slice_ = slice_ * (x.hypot(y) < 0.5)
    ctf = optics.ctf(rows, BOX, PIXEL)
    assert ctf is not None
    turns = torch.stack([optics.aberrations[g].turn(BOX, PIXEL) for g in optics.group.tolist()]).to(slice_.dtype)
    assert bool((turns != 1).any()) == ("rlnBeamTiltX" in lens or "rlnOddZernike" in lens)
    recorded = ctf * turns * slice_ * origin_phases(origins, BOX, PIXEL)
    done = ctf if treated == PREMULTIPLIED else ctf.sign() if treated == FLIPPED else 1
    images = torch.fft.fftshift(fourier.from_half_plane(recorded * done, BOX), dim=(-2, -1))
    write_images(tmp_path, images)
    alignments = Alignments.of(ParticleStack.open(star), with_ctf=True)
    terms = alignments.slices(ParticleStack.open(star)[rows][:, 0], rows, None)
    torch.testing.assert_close(terms.weight, ctf**2, atol=1e-5, rtol=0)
    if treated == PREMULTIPLIED:
        with pytest.raises(ParticleDataError, match="rlnCtfDataAreCtfPremultiplied: poses are found in images as they were"):
            alignments.restored(images, rows)
    else:
        seen = fourier.centred_half_plane(alignments.restored(images, rows)) * origin_phases(origins, BOX, PIXEL).conj()
        torch.testing.assert_close(seen, ctf * slice_, atol=1e-4, rtol=0)
    torch.testing.assert_close(terms.numerator, ctf**2 * slice_, atol=1e-4, rtol=0)


def test_magnified_images_are_those_of_square_pixels(tmp_path: Path) -> None:
    """Of three unequal dots: stretched by M in Fourier space, they lie at the transpose of M times where they lay."""
    dots, heights = torch.tensor([[3.0, 1.0], [-2.0, 2.5], [0.5, -3.0]]).double(), torch.tensor([1.0, 2.0, 3.0]).double()
    y, x = torch.meshgrid(torch.fft.fftfreq(BOX).double(), torch.fft.rfftfreq(BOX).double(), indexing="ij")
    spectra = []
    for matrix in (torch.eye(2).double(), torch.tensor(list(MAGNIFICATION.values())).double().reshape(2, 2)):
        k = torch.stack([x, y], dim=-1) @ matrix.T
        spectra.append((torch.exp(-2j * torch.pi * (k @ dots.T)) * heights).sum(-1) * torch.exp(-40 * (k**2).sum(-1)))
    star = rewritten(write_stack(tmp_path), MAGNIFICATION, {"rlnOriginXAngst": 1.5 * PIXEL, "rlnOriginYAngst": -PIXEL})
    moved = spectra[1] * origin_phases(torch.tensor([[1.5 * PIXEL, -PIXEL]]), BOX, PIXEL)
    images = torch.fft.fftshift(fourier.from_half_plane(moved, BOX), dim=(-2, -1)).float()
    alignments = Alignments.of(ParticleStack.open(star), with_ctf=False)
    terms = alignments.slices(images.expand(2, BOX, BOX), torch.arange(2), None)
    known = (terms.weight[1] > 0) & (x.hypot(y) < 0.4)
    torch.testing.assert_close(terms.numerator[1] * known, (spectra[0] * known).to(torch.complex64), atol=0.02, rtol=0)
    assert (terms.numerator[1] - spectra[1])[known].abs().max() > 0.3


@pytest.mark.parametrize(
    ("optics", "message"),
    [
        (FLIPPED | PREMULTIPLIED, "rlnCtfDataArePhaseFlipped and rlnCtfDataAreCtfPremultiplied are both 1"),
        ({"rlnCtfDataAreCtfPremultiplied": 2}, "rlnCtfDataAreCtfPremultiplied must be 0 or 1"),
        ({"rlnMagMat00": 1.01}, "no column rlnMagMat01, rlnMagMat10, rlnMagMat11"),
        ({"rlnOddZernike": "[1,x]"}, r"rlnOddZernike '\[1,x\]' is not a list of numbers"),
        (MAGNIFICATION | {"rlnMagMat11": 0.0}, "rlnMagMat11 is 0 for particle 0.* must lie in 0.5 ... 2"),
    ],
)
def test_what_cannot_be_meant(tmp_path: Path, optics: dict[str, object], message: str) -> None:
    star = rewritten(write_stack(tmp_path), optics, {})
    with pytest.raises(ParticleDataError, match=message):
        Alignments.of(ParticleStack.open(star), with_ctf=True)


def test_columns_that_are_not_used_are_named_once(tmp_path: Path) -> None:
    unused = {"rlnMtfFileName": "mtf.star"} | TILT | PREMULTIPLIED | {"rlnOddZernike": "[0,0]"}
    star = rewritten(write_stack(tmp_path), unused, {"rlnNormCorrection": 0.8, "rlnIsFlip": 0})
    notes = {ctf: Alignments.of(ParticleStack.open(star), with_ctf=ctf).notes for ctf in (True, False)}
    assert notes[True] == ("not used: rlnNormCorrection, rlnMtfFileName",)
    named = "rlnCtfDataAreCtfPremultiplied, rlnBeamTiltX, rlnBeamTiltY, rlnNormCorrection, rlnMtfFileName"
    assert notes[False] == (f"not used: {named}",)
