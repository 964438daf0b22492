"""Training on two halves of each particle's frames: the clean loss and a constant, and halves that are none refused."""

import os
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from cryosense import fourier, seeding
from cryosense.data import ParticleDataError, ParticleSource, StackWriter, open_with_halves
from cryosense.measurement import FourierDesign, PixelDesign
from cryosense.operators import LinearOperator, masks
from cryosense.reconstructors.unrolled import UnrolledSolver
from cryosense.training.batches import Batch
from cryosense.training.halves import BetweenHalves, check_halves, usable_halves
from cryosense.training.losses import AgainstClean
from cryosense.training.operators import DrawnMeasurement

N, COUNT, SIGMA = 16, 1500, 0.5
UNIFORM = partial(FourierDesign, masks.uniform, True, per_particle=False)
BINARY = partial(PixelDesign, partial(masks.random_binary, keep_probability=0.5), 4, per_particle=False)


class Mixing(UnrolledSolver):
    """A multiple of the pseudo-inverse, and a third of it moved by a pixel: the loss is quadratic in the multiple."""

    def __init__(self, gain: float) -> None:
        super().__init__(1)
        self.gain = gain

    def forward(self, y: Tensor, operator: LinearOperator) -> Tensor:
        x = operator.pinv(y)
        return self.gain * x + x.roll(1, -1) / 3


def coloured(seed: int) -> Tensor:
    """-> noise whose spectrum falls from the origin to the Nyquist frequency, of deviation SIGMA."""
    spectrum = 1 / (1 + (fourier.frequency_radius(N) / 2) ** 2)
    white = torch.randn(COUNT, 1, N, N, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return SIGMA * fourier.filtered(white, fourier.centred_to_half_plane(spectrum / spectrum.mean()).sqrt())


def halved(*, independent: bool) -> Batch:
    rough = torch.randn(COUNT, 1, N, N, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    clean, noise = (rough + rough.roll(1, -1)) / 2, coloured(1)
    pair = (clean + noise).float(), (clean + (coloured(2) if independent else noise)).float()
    return Batch(((pair[0] + pair[1]) / 2).float(), torch.arange(COUNT), 0, clean.float(), None, pair)


def slope(loss: BetweenHalves | AgainstClean, batch: Batch, drawn: DrawnMeasurement) -> Tensor:
    """-> the derivative of each image's loss by the multiple, at 1; exact, because it is quadratic."""
    above, below = (loss(Mixing(gain), batch, drawn, seeding.generator(1)).double() for gain in (2.0, 0.0))
    return (above - below) / 2


@pytest.mark.parametrize("independent", [True, False])
@pytest.mark.parametrize("make_design", [UNIFORM, BINARY], ids=["fourier", "pixel"])
def test_its_gradient_is_that_of_the_clean_loss_unless_halves_share_their_noise(
    make_design: partial, independent: bool
) -> None:
    drawn, batch = DrawnMeasurement(make_design, 1.5, 7), halved(independent=independent)
    assert batch.halves is not None
    measured = batch.halves[int(seeding.generator(1).integers(2))]
    truth = slope(AgainstClean(), batch._replace(images=measured), drawn)
    difference = slope(BetweenHalves(), batch, drawn) - truth
    deviation = float(difference.std()) / COUNT**0.5
    assert (abs(float(difference.mean())) < 4 * deviation) == independent
    assert 4 * deviation < 0.1 * abs(float(truth.mean()))  # so small that a bias would show


@pytest.mark.parametrize("gain", [0.0, 0.7])
def test_it_is_the_clean_loss_and_the_noise_of_the_other_half(gain: float) -> None:
    """Whatever the network; the mean of the noise's square is the constant."""
    drawn, batch = DrawnMeasurement(UNIFORM, 1.5, 7), halved(independent=True)
    assert batch.halves is not None
    measured = batch.halves[int(seeding.generator(1).integers(2))]
    clean = AgainstClean()(Mixing(gain), batch._replace(images=measured), drawn, seeding.generator(1)).double()
    difference = BetweenHalves()(Mixing(gain), batch, drawn, seeding.generator(1)).double() - clean
    assert float(difference.mean()) == pytest.approx(SIGMA**2, rel=0.02)


def test_either_half_is_measured() -> None:
    """Of halves 0 and 1, by the solver that returns nothing: the error is the square of the half that was not."""
    pair = torch.zeros(1, 1, N, N), torch.ones(1, 1, N, N)
    batch = Batch(pair[0], torch.arange(1), 0, None, None, pair)
    drawn = DrawnMeasurement(UNIFORM, 1.0, 7)

    class Nothing(UnrolledSolver):
        def forward(self, y: Tensor, operator: LinearOperator) -> Tensor:
            return torch.zeros_like(operator.pinv(y))

    found = {float(BetweenHalves()(Nothing(1), batch, drawn, seeding.generator(seed))) for seed in range(20)}
    assert found == {0.0, 1.0}


def write(path: Path, images: np.ndarray | Tensor, pixel_size: float = 3.0) -> Path:
    images = torch.as_tensor(images, dtype=torch.float32)
    with StackWriter(path, len(images), images.shape[-1], pixel_size) as writer:
        writer.write(0, images)
        writer.finish()
    return path


def noise(seed: int, count: int = 80, n: int = N) -> Tensor:
    return torch.randn(count, 1, n, n, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def paths(tmp_path: Path) -> tuple[Path, Path, Path]:
    """-> particles, and their halves, of independent noise."""
    odd, even = noise(1), noise(2)
    pairs = {"particles": (odd + even) / 2, "odd": odd, "even": even}
    one, other, third = (write(tmp_path / f"{name}.mrcs", images) for name, images in pairs.items())
    return one, other, third


def test_halves_come_along_with_the_particles(paths: tuple[Path, Path, Path]) -> None:
    source = open_with_halves(paths[0], paths[1:])
    check_halves(source, "halves", needed=True)
    assert set(source.files) == set(paths)
    chosen = source.select(torch.tensor([5, 2]))
    assert chosen.halves is not None
    for half, seed in zip(chosen.halves, (1, 2), strict=True):
        assert torch.equal(half[:], noise(seed)[[5, 2]])


def test_halves_that_are_none_are_refused(paths: tuple[Path, Path, Path], tmp_path: Path) -> None:
    particles, odd, even = paths
    few, small = write(tmp_path / "few.mrcs", noise(3, 79)), write(tmp_path / "small.mrcs", noise(3, n=12))
    finer = write(tmp_path / "finer.mrcs", noise(3), 1.5)
    (tmp_path / "linked.mrcs").symlink_to(odd)
    cases = {
        "give two stacks": str(odd),
        "give two stacks,": [odd],
        "few.mrcs holds 79 images of 16 px": [odd, few],
        "small.mrcs holds 80 images of 12 px": [small, even],
        "finer.mrcs has pixels of 1.5 Angstrom": [odd, finer],
        "share files": [odd, odd],
        "particles.mrcs share files": [odd, particles],
        "linked.mrcs and .*particles.mrcs share files": [odd, tmp_path / "linked.mrcs"],
        "share files: their noise": [odd, os.path.relpath(particles)],  # as beside a table, whose stacks are found by it
        "nowhere.mrcs: no such file": [odd, tmp_path / "nowhere.mrcs"],
    }
    for message, halves in cases.items():
        with pytest.raises(ParticleDataError, match=message):
            open_with_halves(particles, halves)  # type: ignore[arg-type]


def test_halves_that_share_their_noise_are_refused(paths: tuple[Path, Path, Path], tmp_path: Path) -> None:
    """One is the other again, in a file of its own, or has all of the frames."""
    for name, images in {"again": 2 * noise(1) + 1, "whole": (noise(1) + noise(2)) / 2}.items():
        copy = write(tmp_path / f"{name}.mrcs", images)
        with pytest.raises(ParticleDataError, match="not independent"):
            check_halves(open_with_halves(paths[0], [paths[1], copy]), "halves", needed=True)


def test_halves_are_needed_or_not_used(paths: tuple[Path, Path, Path]) -> None:
    with pytest.raises(ParticleDataError, match="loss=clean does not use them"):
        check_halves(open_with_halves(paths[0], paths[1:]), "clean", needed=False)
    without = ParticleSource.open(paths[0], None, None, None, None, None)
    with pytest.raises(ParticleDataError, match="half_paths"):
        check_halves(without, "halves", needed=True)
    check_halves(without, "clean", needed=False)


def test_an_unusable_half_is_named(paths: tuple[Path, Path, Path], tmp_path: Path) -> None:
    spoilt = noise(2)
    spoilt[7] = 1.0
    source = open_with_halves(paths[0], [paths[1], write(tmp_path / "spoilt.mrcs", spoilt)])
    with pytest.raises(ParticleDataError, match=r"spoilt\.mrcs: 1 unusable particle\(s\), numbered from 0: 7"):
        usable_halves(source, torch.arange(80), False, 32)
    assert usable_halves(source, torch.arange(80), True, 32).tolist() == [i for i in range(80) if i != 7]
