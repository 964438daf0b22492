"""Files that lie, checksums and all: refused in a line that names them, before memory is taken or what they name is used."""

import json
import tracemalloc
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import starfile
import torch

from cryosense.data import ParticleDataError, ParticleSource, StackWriter
from cryosense.errors import ArgumentError
from cryosense.measurement import FourierDesign, Full
from cryosense.measurement.file import MeasurementFile, MeasurementFileError, open_particles
from cryosense.measurement.file.container import USER_BLOCK, open_container, write_container
from cryosense.measurement.file.description import unpacked
from cryosense.measurement.file.source import MeasuredSource
from cryosense.measurement.quantisers import Uniform
from cryosense.operators import masks
from cryosense.runs.identity import Identity
from cryosense.tasks.measure.made import is_made
from tests.measurement.file.stacks import write_many
from tests.measurement.file.test_file import make, measuring

MOST_BYTES = 2**25


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stack")
    source = ParticleSource.open(write_many(folder, 70), None, None, None, None, None)
    profile = partial(masks.variable_density, keep_probability_per_shell=(1.0, 1.0, 0.5, 0.5))
    assert make(folder / "a.cryo.h5", measuring(source, FourierDesign(profile, True, 8.0, True, 1), Uniform()))
    return folder / "a.cryo.h5"


def with_description(good: Path, path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Write the file with another description, all checksums right."""
    container = open_container(good)
    arrays = {name: array for name in container.entries if name != "levels" and (array := container.array(name)) is not None}
    said = json.loads(unpacked(arrays["description"]))
    change(said)
    arrays["description"] = np.frombuffer(zlib.compress(json.dumps(said).encode()), np.uint8)
    levels = container.entries["levels"]
    write_container(path, arrays, [container.read(levels.offset, levels.count)], levels.count)


def with_directory(good: Path, path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    content = good.read_bytes()
    version, text = content.split(b"\n")[:2]
    said = json.loads(text)
    change(said)
    text = json.dumps(said).encode()
    head = b"%s\n%s\n%08x\n" % (version, text, zlib.crc32(text))
    path.write_bytes(head.ljust(USER_BLOCK, b"\0") + content[USER_BLOCK:])


def put(*keys: str, value: object) -> Callable[[dict[str, Any]], object]:
    def change(said: dict[str, Any]) -> None:
        for key in keys[:-1]:
            said = said[key]
        said[keys[-1]] = value

    return change


DESCRIPTIONS = {
    "more particles than bytes": put("particles", value=10**12),
    "a box that fills the memory": put("box_size", value=10**6),
    "a larger box": put("box_size", value=2048),
    "particles of no bytes": put("least_bytes", value=-(10**9)),
    "particles of many bytes": put("least_bytes", value=2**39),
    "blocks of nothing": put("block_particles", value=0),
    "a design that names code": put("design", "name", value="os.system"),
    "masks that name code": put("design", "masks", "name", value="builtins.eval"),
    "masks with more to say": put("design", "masks", "box_size", value=10**6),
    "a seed that is code": put("design", "seed", value="__import__('os').system('true')"),
    "a quantiser that names code": put("quantiser", "name", value="os.system"),
    "a quantiser of another kind": put("quantiser", value={"name": "uniform", "levels": 10**9}),
    "a step of nothing": put("quantiser", "step", value=1e-300),
    "noise that names code": put("noise", "name", value="os.system"),
    "a pixel of nothing": put("pixel_size_angstrom", value=0),
    "a scaling that cannot be undone": put("scaling", "gain", value=0),
    "columns that are no names": put("not_read", value=[[]]),
}
DIRECTORIES = {
    "an array beyond the file": put("arrays", "std", value=["f4", 0, 10**15, 0]),
    "an array before the file": put("arrays", "std", value=["f4", -4, 1, 0]),
    "an array of objects": put("arrays", "std", value=["O", 0, 1, 0]),
    "a file of any size": put("size", value=10**15),
    "a file of infinite size": put("size", value=float("inf")),
}


def refused(path: Path) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(MeasurementFileError, match=path.name):
            open_particles(path)
        assert tracemalloc.get_traced_memory()[1] < MOST_BYTES
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("lie", DESCRIPTIONS)
def test_a_description_that_lies_is_refused(good: Path, tmp_path: Path, lie: str) -> None:
    with_description(good, tmp_path / "same.cryo.h5", lambda said: None)
    assert len(MeasurementFile.open(tmp_path / "same.cryo.h5")) == 70
    with_description(good, tmp_path / "lie.cryo.h5", DESCRIPTIONS[lie])
    refused(tmp_path / "lie.cryo.h5")


@pytest.mark.parametrize("lie", [{"deviations": 0}, {"deviations": "nan"}, {"deviations": [4]}, {"mean": None}])
def test_a_scaling_of_the_stack_that_lies_is_refused(good: Path, tmp_path: Path, lie: dict[str, object]) -> None:
    stated = {"scaling": "stack", "deviations": 4.0, "mean": 0.0, "deviation": 1.0}
    for name, said in {"true": stated, "lie": stated | lie}.items():
        with_description(good, tmp_path / f"{name}.cryo.h5", lambda content, said=said: content["scaling"].update(said))
    true, lying = (open_particles(tmp_path / f"{name}.cryo.h5") for name in ("true", "lie"))
    assert isinstance(true, MeasuredSource)
    assert isinstance(lying, MeasuredSource)
    assert true.scaling().describe()["scaling"] == "stack"
    with pytest.raises(MeasurementFileError, match=r"lie\.cryo\.h5: a scaling of the stack that cannot be"):
        lying.scaling()


@pytest.mark.parametrize("lie", DIRECTORIES)
def test_a_directory_that_lies_is_refused(good: Path, tmp_path: Path, lie: str) -> None:
    with_directory(good, tmp_path / "lie.cryo.h5", DIRECTORIES[lie])
    refused(tmp_path / "lie.cryo.h5")


def test_shells_of_which_numbers_cannot_be_decoded_are_refused(good: Path, tmp_path: Path) -> None:
    """Each deviation and each value is a number, their product is none."""
    container = open_container(good)
    arrays = {name: array for name in container.entries if name != "levels" and (array := container.array(name)) is not None}
    arrays["std"] = np.full_like(arrays["std"], 3e38)
    levels = container.entries["levels"]
    write_container(tmp_path / "lie.cryo.h5", arrays, [container.read(levels.offset, levels.count)], levels.count)
    refused(tmp_path / "lie.cryo.h5")


def test_a_table_in_place_of_the_files_own_says_of_which_optics_groups_it_is(tmp_path: Path) -> None:
    star = write_many(tmp_path, 5)
    source = ParticleSource.open(star, None, None, None, None, None)
    make(tmp_path / "a.cryo.h5", measuring(source, Full(), Uniform()))
    blocks = starfile.read(star, always_dict=True)
    optics, particles = blocks["optics"], blocks["particles"]
    starfile.write(blocks, tmp_path / "good.star")
    assert len(open_particles(tmp_path / "a.cryo.h5", tmp_path / "good.star").images) == 5
    for wrong in (particles.drop(columns="rlnOpticsGroup"), particles.assign(rlnOpticsGroup=3)):
        starfile.write({"optics": optics, "particles": wrong}, tmp_path / "wrong.star")
        with pytest.raises(ParticleDataError, match=r"wrong\.star: .*(rlnOpticsGroup|optics group 3)"):
            open_particles(tmp_path / "a.cryo.h5", tmp_path / "wrong.star")


def test_a_stack_of_another_box_is_refused(good: Path, tmp_path: Path) -> None:
    with StackWriter(tmp_path / "other.mrcs", 70, 32, 4.0) as writer:
        writer.write(0, torch.randn(70, 1, 32, 32, generator=torch.Generator().manual_seed(0)))
        writer.finish()
    with pytest.raises(ArgumentError, match=r"32 px, but .* was measured at 16 px"):
        open_particles(good, reference=tmp_path / "other.mrcs")
    said = MeasurementFile.open(good).description.content["provenance"]
    same = Identity("a: 1\n", said["data"], said["code"])
    with pytest.raises(ParticleDataError, match="holds particles of 16 px, not of 32 px"):
        is_made(good, same, 32, None)
