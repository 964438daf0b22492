"""A whole back-projection: the same maps in any portions, in shards, and after an interruption; nothing begun on bad input."""

from pathlib import Path

import mrcfile
import pytest
import torch

from cryosense.data import ParticleDataError, ParticleSource
from cryosense.metrics import sphere_mask
from cryosense.operators import masks
from cryosense.operators.design import Design, FourierDesign, PixelDesign
from cryosense.operators.masks import Seed
from cryosense.results.backprojection import Backprojection
from cryosense.results.maps import Assessment
from tests.results.stacks import COUNT, change, write_stack


class StoppedError(Exception):
    """An interruption from outside."""


def ball_mask(volume: torch.Tensor, pixel_size_angstrom: float) -> torch.Tensor:
    return sphere_mask(volume, pixel_size_angstrom, radius_angstrom=20.0, edge_pixels=2.0)


def uniform(box_size: int, kept_fraction: float, *, symmetric: bool, seed: Seed) -> torch.Tensor:
    return masks.uniform(box_size, kept_fraction, symmetric=symmetric, seed=seed)


def backprojection(
    star: Path, *, shard: tuple[int, int] = (0, 1), chunk_size: int = 8, design: Design | None = None
) -> Backprojection:
    source = ParticleSource.open(star, None, None, None, None, "test")
    return Backprojection(
        source=source,
        geometry=source.images.geometry,
        design=design,
        symmetry="C2",
        ctf_correction=True,
        pad_factor=2,
        regularisation=1e-3,
        assessment=Assessment(ball_mask, 0.8, 0, None),
        skip_bad=False,
        shard_index=shard[0],
        shard_count=shard[1],
        chunk_size=chunk_size,
        checkpoint_particles=10,
    )


def nothing(count: int) -> None:
    del count


def volume(directory: Path, name: str) -> torch.Tensor:
    with mrcfile.open(directory / f"{name}.mrc") as mrc:
        return torch.tensor(mrc.data)


def test_chunks_shards_and_interruptions_change_nothing(tmp_path: Path) -> None:
    star = write_stack(tmp_path)
    whole, sharded, resumed = (tmp_path / name for name in ("whole", "sharded", "resumed"))
    assert backprojection(star, chunk_size=COUNT).run(whole, "config", nothing)
    assert not (whole / "sums").exists()

    assert not backprojection(star, shard=(1, 2)).run(sharded, "config", nothing)
    assert not (sharded / "done.json").exists()
    assert backprojection(star, shard=(0, 2), chunk_size=4).run(sharded, "config", nothing)

    seen: list[int] = []

    def stop_after_three_chunks(count: int) -> None:
        seen.append(count)
        if len(seen) == 4:
            raise StoppedError

    with pytest.raises(StoppedError):
        backprojection(star).run(resumed, "config", stop_after_three_chunks)
    seen.clear()
    assert backprojection(star).run(resumed, "config", seen.append)
    assert seen[0] == 16  # what was on disk is not done again
    assert sum(seen) == COUNT
    for other in (sharded, resumed):
        for name in ("half1", "half2", "map", "mask"):
            torch.testing.assert_close(volume(other, name), volume(whole, name), atol=1e-4, rtol=0)


def test_half_sets_do_not_share_a_particle(tmp_path: Path) -> None:
    """Other images in half set 2 leave half map 1 as it was."""
    star = write_stack(tmp_path)
    backprojection(star).run(tmp_path / "before", "config", nothing)
    with mrcfile.open(tmp_path / "particles.mrcs", mode="r+") as mrc:
        mrc.data[COUNT // 3 :] *= -2
    backprojection(star).run(tmp_path / "after", "config", nothing)
    torch.testing.assert_close(volume(tmp_path / "before", "half1"), volume(tmp_path / "after", "half1"))
    torch.testing.assert_close(-2 * volume(tmp_path / "before", "half2"), volume(tmp_path / "after", "half2"))


def test_masks_belong_to_particles_not_to_chunks(tmp_path: Path) -> None:
    star = write_stack(tmp_path)
    design = FourierDesign(uniform, symmetric=True, compression=2.5, per_particle=True, seed=3)
    backprojection(star, design=design, chunk_size=3).run(tmp_path / "small", "config", nothing)
    backprojection(star, design=design, chunk_size=20).run(tmp_path / "large", "config", nothing)
    torch.testing.assert_close(volume(tmp_path / "small", "map"), volume(tmp_path / "large", "map"), atol=1e-4, rtol=0)
    pixel = PixelDesign(masks.superres, block_size=2, compression=4, per_particle=False, seed=0)
    with pytest.raises(ValueError, match="only Fourier masks"):
        backprojection(star, design=pixel)


def test_a_directory_of_something_else_is_left_alone(tmp_path: Path) -> None:
    star = write_stack(tmp_path)
    backprojection(star).run(tmp_path / "run", "config", nothing)
    with pytest.raises(ValueError, match="another configuration"):
        backprojection(star).run(tmp_path / "run", "other", nothing)
    with pytest.raises(ValueError, match="other images"):
        backprojection(change(star, {"rlnAngleRot": 0.0})).run(tmp_path / "run", "config", nothing)
    with pytest.raises(ParticleDataError, match="half set 2"):
        backprojection(change(star, {"rlnRandomSubset": 1})).run(tmp_path / "new", "config", nothing)
    assert not (tmp_path / "new").exists()
    with pytest.raises(ValueError, match=r"shard.index=2 of shard.count=2"):
        backprojection(star, shard=(2, 2))
