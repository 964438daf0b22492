"""Measurement files: what is read is what acquire gives; damage is seen, named and survived."""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from cryosense.data import AsIs, ParticleSource, PerImage, StackStatistics
from cryosense.measurement import (
    Design,
    FourierCrop,
    FourierDesign,
    Full,
    GaussianNoise,
    NoNoise,
    OperatorDesign,
    PixelDesign,
    acquire,
)
from cryosense.measurement.file import MeasurementFile, MeasurementFileError
from cryosense.measurement.file.container import USER_BLOCK, open_container, write_container
from cryosense.measurement.quantisers import Float16, Float32, LloydMax, Sign, Uniform
from cryosense.operators import masks
from cryosense.operators.signed_binning import SignedBinning
from cryosense.runs.identity import Identity
from cryosense.runs.shards import Sharding
from cryosense.tasks.measure.made import is_made
from cryosense.tasks.measure.measuring import Measuring
from tests.measurement.file.stacks import write_many

DESIGNS = {
    "full": Full,
    "pixels": lambda: Full("pixel"),
    "radial": lambda: FourierDesign(partial(masks.radial, sectors=100), True, 2.5, False, 1),
    "each": lambda: FourierDesign(masks.uniform, True, 2.5, True, 1),
    "papers": lambda: FourierDesign(masks.uniform, False, 2.5, False, 1),
    "profile": lambda: FourierDesign(
        partial(masks.variable_density, keep_probability_per_shell=(1.0, 1.0, 0.5, 0.5)), True, 8.0, True, 1
    ),
    "binary": lambda: PixelDesign(partial(masks.random_binary, keep_probability=0.5), 4, 2.0, False, 1),
    "ring_each": lambda: FourierDesign(partial(masks.ring, bands=100, width_fraction=0.25), True, 2.5, True, 1),
    "low": lambda: FourierCrop(FourierDesign(masks.uniform, True, 2.5, True, 1)),
    "gaussian": lambda: PixelDesign(masks.random_gaussian, 4, 4.0, False, 1),
    "checkerboard": lambda: PixelDesign(partial(masks.checkerboard, cell_pixels=4, keep_probability=0.5), 4, 4.0, False, 1),
    "superres": lambda: PixelDesign(masks.superres, 2, 4.0, False, 1),
    "signed_each": lambda: OperatorDesign(SignedBinning, "signed_binning", 4.0, True, 1),
    "binary_each": lambda: PixelDesign(partial(masks.random_binary, keep_probability=0.5), 4, 2.0, True, 1),
}
QUANTISERS = {
    "float32": Float32,
    "float32_coded": lambda: Float32(coded=True),
    "float16": lambda: Float16(coded=True),
    "uniform": lambda: Uniform(dither=True, seed=3),
    "lloyd_max": lambda: LloydMax(3),
    "sign": Sign,
}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> ParticleSource:
    return ParticleSource.open(write_many(tmp_path_factory.mktemp("stack"), 150), None, None, None, None, None)


def measuring(source: ParticleSource, design: Design, quantiser: object, **changes: object) -> Measuring:
    settings = {
        "particles": torch.arange(len(source.images)),
        "scaling": StackStatistics(4.0).fit(source.images, 32),
        "noise": NoNoise(),
        "provenance": {"cryosense": "0"},
        "part_particles": 64,
        "sharding": Sharding(),
        "chunk_size": 20,
        "files": {},
    }
    return Measuring(source=source, design=design, quantiser=quantiser, **(settings | changes))


def make(path: Path, run: Measuring, config: str = "a: 1\n", progress: Callable[[int], object] = lambda n: None) -> bool:
    """-> whether the file is there."""
    identity = Identity(config, run.source.data_fingerprint, "this code")
    return is_made(path, identity, run.source.images.box_size, None) or run.run(path, identity, None, progress)


def written(path: Path, run: Measuring) -> MeasurementFile:
    assert make(path, run)
    return MeasurementFile.open(path)


@pytest.mark.parametrize("quantiser", QUANTISERS)
@pytest.mark.parametrize("design", DESIGNS)
def test_any_particle_is_read_as_acquire_gives_it(source: ParticleSource, tmp_path: Path, design: str, quantiser: str) -> None:
    noise = GaussianNoise(0.05, "image", "after", 4)
    run = measuring(source, DESIGNS[design](), QUANTISERS[quantiser](), noise=noise)
    file = written(tmp_path / "a.cryo.h5", run)
    for rows in (torch.arange(10, 40), torch.tensor([149, 3, 64, 65])):
        scaled, offset, gain = run.scaling(source.images[rows])
        direct, read = acquire(scaled, rows, run.design, noise, run.quantiser), file.measurement(rows)
        assert torch.equal(read.y, direct.y)
        assert torch.equal(read.noise_std, direct.noise_std.expand(read.noise_std.shape))
        assert torch.equal(read.numbers, rows)
        same = torch.randn(len(rows), 1, 16, 16, generator=torch.Generator().manual_seed(0))
        assert torch.equal(read.operator(same), direct.operator(same))
        assert torch.equal(torch.stack(file.scaling(rows)), torch.stack([offset, gain]))
        assert bool(((read.bits - direct.bits).abs() <= 64).all())


def test_tables_pixel_size_numbers_and_scaling_are_carried(source: ParticleSource, tmp_path: Path) -> None:
    some = torch.arange(0, 150, 2)
    run = measuring(source.select(some), Full(), Sign(), particles=some, scaling=PerImage())
    file = written(tmp_path / "a.cryo.h5", run)
    assert file.pixel_size_angstrom == source.images.pixel_size_angstrom
    assert torch.equal(file.numbers, some)
    pd.testing.assert_frame_equal(file.metadata, run.source.images.metadata, check_exact=True)
    words, written_words = file.description.tables, run.source.images.tables
    pd.testing.assert_frame_equal(words.particles, written_words.particles, check_exact=True)
    assert file.optics is not None
    assert words.optics is not None
    pd.testing.assert_frame_equal(file.optics, source.images.optics, check_exact=True)
    pd.testing.assert_frame_equal(words.optics, written_words.optics, check_exact=True)
    _, offset, gain = PerImage()(source.images[some])
    assert torch.equal(torch.stack(file.scaling(torch.arange(75))), torch.stack([offset, gain]))


def test_interrupted_sharded_and_repeated_runs_make_the_same_bytes(source: ParticleSource, tmp_path: Path) -> None:
    whole, path = tmp_path / "a.cryo.h5", tmp_path / "b.cryo.h5"
    written(whole, measuring(source, Full(), Uniform()))

    class KilledError(Exception):
        pass

    done = 0

    def until(n: int) -> None:
        nonlocal done
        done += n
        if done > 100:
            raise KilledError

    with pytest.raises(KilledError):
        make(path, measuring(source, Full(), Uniform()), progress=until)
    assert not path.exists()
    assert not make(path, measuring(source, Full(), Uniform(), sharding=Sharding(1, 2), chunk_size=7))
    assert make(path, measuring(source, Full(), Uniform(), sharding=Sharding(0, 2)))
    assert path.read_bytes() == whole.read_bytes()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.cryo.h5", "b.cryo.h5"]
    assert make(path, measuring(source, Full(), Uniform()))
    with pytest.raises(MeasurementFileError, match="another configuration"):
        make(path, measuring(source, Full(), Uniform()), "a: 2\n")
    (tmp_path / "other").mkdir()
    other = ParticleSource.open(write_many(tmp_path / "other", 40), None, None, None, None, None)
    with pytest.raises(MeasurementFileError, match="other images"):
        make(path, measuring(other, Full(), Uniform()))


def test_no_clock_is_in_the_bytes(tmp_path: Path) -> None:
    arrays = {"std": np.ones(5, "<f4"), "star": np.ones(3000, np.uint8)}
    for name in ("a", "b"):
        write_container(tmp_path / name, arrays, [bytes(100)], 100)
        time.sleep(1.1)  # HDF5 tells seconds
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_flipped_bit_costs_its_block_and_no_other(source: ParticleSource, tmp_path: Path) -> None:
    path = tmp_path / "a.cryo.h5"
    file = written(path, measuring(source, Full(), Sign()))
    content = bytearray(path.read_bytes())
    levels = open_container(path).entries["levels"]
    content[levels.offset + int(file.description.starts[70])] ^= 4
    path.write_bytes(content)
    damaged = MeasurementFile.open(path)
    with pytest.raises(MeasurementFileError, match="particles 64 to 127 are damaged"):
        damaged.measurement(torch.tensor([90]))
    rows = torch.tensor([0, 63, 128, 149])
    assert torch.equal(damaged.measurement(rows).y, file.measurement(rows).y)
    assert torch.equal(damaged.missing(), torch.arange(64, 128))


def test_whole_blocks_of_a_file_that_was_cut_short_are_read(source: ParticleSource, tmp_path: Path) -> None:
    path = tmp_path / "a.cryo.h5"
    file = written(path, measuring(source, Full(), Uniform()))
    before = file.measurement(torch.arange(128)).y
    entries = open_container(path).entries
    start = entries["levels"].offset
    path.write_bytes(path.read_bytes()[: start + int(file.description.starts[130])])
    with pytest.raises(MeasurementFileError, match=r"cut short.*recover"):
        MeasurementFile.open(path)
    left = MeasurementFile.open(path, recover=True)
    assert torch.equal(left.missing(), torch.arange(128, 150))
    assert torch.equal(left.measurement(torch.arange(128)).y, before)
    path.write_bytes(path.read_bytes()[:start])
    assert len(MeasurementFile.open(path, recover=True).missing()) == 150
    path.write_bytes(path.read_bytes()[: max(each.end for name, each in entries.items() if name != "levels") - 10])
    with pytest.raises(MeasurementFileError, match="cut short"):
        MeasurementFile.open(path, recover=True)


@pytest.mark.parametrize("array", ["description", "std", "models", "values", "star", "checksums", "lengths"])
def test_a_flipped_bit_in_a_table_is_seen(source: ParticleSource, tmp_path: Path, array: str) -> None:
    path = tmp_path / "a.cryo.h5"
    written(path, measuring(source, Full(), Uniform()))
    content = bytearray(path.read_bytes())
    content[open_container(path).entries[array].offset + 1] ^= 1
    path.write_bytes(content)
    with pytest.raises(MeasurementFileError, match=f"its {array} are damaged"):
        MeasurementFile.open(path)


def test_other_files_and_versions_are_refused(source: ParticleSource, tmp_path: Path) -> None:
    path = tmp_path / "a.cryo.h5"
    written(path, measuring(source, Full(), Sign(), scaling=AsIs()))
    content = path.read_bytes()
    cases = {
        "version 1": content.replace(b"measurement 2", b"measurement 1", 1),
        "not a measurement file": b"\x89HDF" + content[4:],
        "directory is damaged": content.replace(b'"size":', b'"Size":', 1),
    }
    for message, wrong in cases.items():
        path.write_bytes(wrong)
        with pytest.raises(MeasurementFileError, match=message):
            MeasurementFile.open(path)
    path.write_bytes(content[: USER_BLOCK - 1])
    with pytest.raises(MeasurementFileError, match="cut short"):
        MeasurementFile.open(path)


def test_memory_and_overhead_are_small(source: ParticleSource, tmp_path: Path) -> None:
    file = written(tmp_path / "a.cryo.h5", measuring(source, Full(), Sign()))
    assert np.array_equal(file.level_bytes, np.full(150, 32))
    assert file.bytes_per_particle * 150 - 150 * 32 < 15_000
