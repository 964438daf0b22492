"""A whole back-projection: the same maps in any portions, in shards, and after an interruption; nothing begun on bad input."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import mrcfile
import pandas as pd
import pytest
import torch

from cryosense import fourier
from cryosense.cli.backproject import Work
from cryosense.data import AsIs, ParticleDataError, ParticleSource, SurveyRecord
from cryosense.measurement import Design, FourierDesign, Identity, PixelDesign
from cryosense.metrics import fsc
from cryosense.operators import masks
from cryosense.operators.masks import Seed
from cryosense.runs.inputs import stamps
from cryosense.runs.provenance import sessions
from cryosense.runs.shards import Opening, Sharding
from cryosense.simulation.builtin import HingedChain
from cryosense.tasks.maps.backprojection import BACKPROJECTION, PART, Backprojection
from cryosense.tasks.maps.uncertainty import Bootstrap
from cryosense.volumes.backproject import SliceAccumulator, slices
from cryosense.volumes.poses import quaternion_rotations
from cryosense.volumes.project import Projector
from tests.tasks.assessments import assessment
from tests.tasks.stacks import COUNT, change, write_stack


class StoppedError(Exception):
    """An interruption from outside."""


def uniform(box_size: int, kept_fraction: float, *, symmetric: bool, seed: Seed) -> torch.Tensor:
    return masks.uniform(box_size, kept_fraction, symmetric=symmetric, seed=seed)


def backprojection(star: Path, *, chunk_size: int = 8, design: Design | None = None, bootstrap: int = 0) -> Backprojection:
    source = ParticleSource.open(star, None, None, None, None, "test")
    return Backprojection(
        source=source,
        geometry=source.images.geometry,
        design=design,
        quantiser=Identity(),
        scaling=AsIs(),
        symmetry="C2",
        ctf_correction=True,
        pad_factor=2,
        regularisation=1e-3,
        assessment=assessment(bootstrap=Bootstrap(bootstrap, 2, 0.95, 0)),
        chunk_size=chunk_size,
        checkpoint_particles=10,
    )


def nothing(count: int) -> None:
    del count


def run(
    task: Backprojection,
    directory: Path,
    config: str = "config",
    progress: Callable[[int], object] = nothing,
    shard: tuple[int, int] = (0, 1),
) -> bool:
    """Through the protocol of the command, but for its configuration."""
    alignments = task.check()
    files = stamps(task.source.files)
    data = task.source.data_fingerprint
    record = SurveyRecord.for_data(directory / ".data", data, files, torch.arange(len(task.images)))
    work = Work(
        task=task,
        alignments=alignments,
        source=task.source,
        images=task.images,
        chunk_size=task.chunk_size,
        record=record,
        sharding=Sharding(*shard),
        skip_bad=False,
        progress=progress,
    )
    opening = Opening(config, f"{data} {alignments.fingerprint()}", BACKPROJECTION, files)
    return work.do(directory, opening, PART)


def volume(directory: Path, name: str) -> torch.Tensor:
    with mrcfile.open(directory / f"{name}.mrc") as mrc:
        return torch.tensor(mrc.data)


def test_chunks_shards_and_interruptions_change_nothing(tmp_path: Path) -> None:
    star = write_stack(tmp_path)
    whole, sharded, resumed = (tmp_path / name for name in ("whole", "sharded", "resumed"))
    assert run(backprojection(star, chunk_size=COUNT), whole)
    assert not list(whole.rglob("sums.pt"))

    assert not run(backprojection(star), sharded, shard=(1, 2))
    assert not (sharded / "done.json").exists()
    assert len(list(sharded.rglob("sums.pt"))) == 1
    assert run(backprojection(star, chunk_size=4), sharded, shard=(0, 2))
    assert not (sharded / "shards").exists()
    assert run(backprojection(star), sharded, shard=(1, 2))  # done: nothing is begun again
    assert not (sharded / "shards").exists()

    seen: list[int] = []

    def stop_after_three_chunks(count: int) -> None:
        seen.append(count)
        if len(seen) == 4:
            raise StoppedError

    with pytest.raises(StoppedError):
        run(backprojection(star), resumed, progress=stop_after_three_chunks)
    seen.clear()
    assert run(backprojection(star), resumed, progress=seen.append)
    assert seen[0] == 16  # what was on disk is not done again
    assert sum(seen) == COUNT
    for other, ended in ((whole, [True]), (sharded, [True, True, True]), (resumed, [False, True])):
        assert [session["ended"] is not None for session in sessions(other)] == ended
    for other in (sharded, resumed):
        for name in ("half1", "half2", "map", "mask"):
            torch.testing.assert_close(volume(other, name), volume(whole, name), atol=1e-4, rtol=0)


def test_half_sets_do_not_share_a_particle(tmp_path: Path) -> None:
    """Other images in half set 2 leave half map 1 as it was."""
    star = write_stack(tmp_path)
    run(backprojection(star), tmp_path / "before")
    with mrcfile.open(tmp_path / "particles.mrcs", mode="r+") as mrc:
        mrc.data[COUNT // 3 :] *= -2
    run(backprojection(star), tmp_path / "after")
    torch.testing.assert_close(volume(tmp_path / "before", "half1"), volume(tmp_path / "after", "half1"))
    torch.testing.assert_close(-2 * volume(tmp_path / "before", "half2"), volume(tmp_path / "after", "half2"))


def test_masks_belong_to_particles_not_to_chunks(tmp_path: Path) -> None:
    star = write_stack(tmp_path)
    design = FourierDesign(uniform, symmetric=True, compression=2.5, per_particle=True, seed=3)
    run(backprojection(star, design=design, chunk_size=3), tmp_path / "small")
    run(backprojection(star, design=design, chunk_size=20), tmp_path / "large")
    torch.testing.assert_close(volume(tmp_path / "small", "map"), volume(tmp_path / "large", "map"), atol=1e-4, rtol=0)


def test_intervals_do_not_depend_on_shards(tmp_path: Path) -> None:
    star = write_stack(tmp_path)
    run(backprojection(star, bootstrap=20), tmp_path / "whole")
    for index in (0, 1):
        run(backprojection(star, bootstrap=20, chunk_size=5), tmp_path / "sharded", shard=(index, 2))
    whole, sharded = (pd.read_csv(tmp_path / name / "fsc.csv") for name in ("whole", "sharded"))
    pd.testing.assert_frame_equal(whole, sharded, atol=1e-3)
    assert (whole["unmasked_high"] - whole["unmasked_low"])[2:].min() > 0


def weighted(images: torch.Tensor, shares: torch.Tensor | None, rotations: torch.Tensor) -> torch.Tensor:
    sums = SliceAccumulator(images.shape[-1], 2)
    for part in torch.arange(len(images)).split(100):
        chunk = None if shares is None else shares[part]
        sums.insert(slices(images[part], torch.zeros(len(part), 2), None, chunk, 8.0), rotations[part])
    return sums.volume(1e-3)


def test_what_pixel_masks_measured_is_the_weight() -> None:
    """Pseudo-inverses of noise-free images: right amplitudes with the measured shares as weights, too small without them.

    Amplitudes are those of the map by least squares in shells 2 to 8; half of each image is measured on average.
    """
    n, count = 24, 600
    rotations = quaternion_rotations(torch.randn(count, 4, generator=torch.Generator().manual_seed(0)))
    density = HingedChain(0, 16.0, [0.0]).volumes(n, 8.0)
    images = fourier.from_half_plane(Projector(density, 2)(rotations, torch.zeros(count, dtype=torch.long)), n)
    design = PixelDesign(partial(masks.random_binary, keep_probability=0.5), 4, 2.0, per_particle=True, seed=1)
    operator = design.operator(n, torch.arange(count))
    measured = operator.pinv(operator(images[:, None]))[:, 0]
    whole = weighted(images, None, rotations)
    shell = fourier.shell_index(n, 3)
    outer = (shell >= 2) & (shell <= 8)

    def amplitude(volume: torch.Tensor) -> float:
        one, other = (fourier.fftn(v.double(), 3)[outer] for v in (volume, whole))
        return float((one * other.conj()).real.sum() / other.abs().square().sum())

    with_weight, without = (weighted(measured, shares, rotations) for shares in (operator.measured_shares, None))
    assert amplitude(with_weight) == pytest.approx(1, abs=0.1)
    assert 0.3 < amplitude(without) < 0.75
    assert float((fsc(with_weight, whole) - fsc(without, whole))[1:8].min()) > -0.01


def test_a_directory_of_something_else_is_left_alone(tmp_path: Path) -> None:
    star = write_stack(tmp_path)
    run(backprojection(star), tmp_path / "run")
    with pytest.raises(ValueError, match="another configuration"):
        run(backprojection(star), tmp_path / "run", "other")
    with pytest.raises(ValueError, match="other images"):
        run(backprojection(change(star, {"rlnAngleRot": 0.0})), tmp_path / "run")
    with pytest.raises(ParticleDataError, match="half set 2"):
        run(backprojection(change(star, {"rlnRandomSubset": 1})), tmp_path / "new")
    assert not (tmp_path / "new").exists()
    with pytest.raises(ValueError, match=r"index=2 of count=2"):
        Sharding(2, 2)
