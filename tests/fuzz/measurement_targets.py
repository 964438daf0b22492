"""Measurement files; see :mod:`tests.fuzz.targets`. With right checksums too: these keep accidents out, not strangers."""

from __future__ import annotations

import lzma
import tempfile
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch

from cryosense.data import ParticleSource
from cryosense.measurement import FourierDesign, Full, GaussianNoise
from cryosense.measurement.file import open_particles
from cryosense.measurement.file.container import USER_BLOCK, open_container, write_container
from cryosense.measurement.file.description import unpacked
from cryosense.measurement.quantisers import ByShell, Float16, Sign, StoredQuantiser, Trellis, Uniform
from cryosense.operators import masks
from cryosense.tasks.maps.alignments import Alignments
from tests.fuzz.targets import Target, use
from tests.measurement.file.stacks import write_many
from tests.measurement.file.test_file import make, measuring

NAME, SMALL = "a.cryo.h5", ("description", "std", "checksums", "values", "models", "star", "lengths")


def made(quantiser: StoredQuantiser, *, masked: bool = False) -> bytes:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = ParticleSource.open(write_many(folder, 5), None, None, None, None, None)
        family = partial(masks.variable_density, keep_probability_per_shell=(1.0, 1.0, 0.5, 0.5))
        design = FourierDesign(family, True, 8.0, True, 1) if masked else Full()
        noise = GaussianNoise(0.1, "image", "after", 0)
        make(folder / NAME, measuring(source, design, quantiser, noise=noise))
        return (folder / NAME).read_bytes()


def load(path: Path) -> None:
    """Ask for what every verb asks of a file."""
    source = open_particles(path)
    use(source.images)
    source.scaling().describe()  # type: ignore[attr-defined]
    source.numbers(torch.arange(len(source.images)))


def load_described(path: Path) -> None:
    """Take a STAR file in place of the file's own table."""
    source = open_particles(path.parent / NAME, path)
    use(source.images)
    Alignments.of(source.images, with_ctf=True)


def star() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return write_many(Path(folder), 5).read_bytes()


def array(content: bytes, name: str, unpack: Callable[[bytes], bytes]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / NAME
        path.write_bytes(content)
        container = open_container(path)
        if name == "levels":
            return content[container.entries[name].offset : container.entries[name].end]
        found = container.array(name)
        assert found is not None
        return unpack(found.tobytes())


def with_array(whole: bytes, name: str, pack: Callable[[bytes], bytes], content: bytes) -> bytes:
    """-> the file with other bytes in an array, all checksums right."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / NAME
        path.write_bytes(whole)
        container = open_container(path)
        arrays = {each: array for each in SMALL if (array := container.array(each)) is not None}
        levels = whole[container.entries["levels"].offset : container.entries["levels"].end]
        if name == "levels":
            levels = content
            arrays["checksums"] = np.array([zlib.crc32(content)], "<u4")
        else:
            packed = pack(content)
            kind = arrays[name].dtype
            arrays[name] = np.frombuffer(packed[: len(packed) // kind.itemsize * kind.itemsize], kind)
            arrays = {each: array for each, array in arrays.items() if len(array)}
        write_container(path, arrays, [levels], len(levels))
        return path.read_bytes()


def with_directory(whole: bytes, text: bytes) -> bytes:
    first = whole.split(b"\n", 1)[0]
    block = b"%s\n%s\n%08x\n" % (first, text, zlib.crc32(text))
    return block.ljust(USER_BLOCK, b"\0") + whole[USER_BLOCK:]


CODED, SIGNS, MASKED = made(Uniform(1.5, dither=True)), made(Sign(last_shell=5)), made(Float16(coded=True), masked=True)
PROFILE = made(ByShell([Uniform(0.3, last_shell=2), Sign()]))
TRELLIS = made(Trellis(1.0, states=8))
DESCRIPTION = {"unpack": lambda packed: unpacked(np.frombuffer(packed, np.uint8)), "pack": zlib.compress}
TABLES = {"unpack": lzma.decompress, "pack": partial(lzma.compress, preset=0)}
AS_IT_IS = {"unpack": bytes, "pack": bytes}


def inside(label: str, whole: bytes, name: str, ways: dict[str, Callable[[bytes], bytes]]) -> Target:
    wrap = partial(with_array, whole, name, ways["pack"])
    return Target(label, NAME, lambda: [array(whole, name, ways["unpack"])], load, wrap=wrap)


MEASUREMENTS = [
    Target("measurement", NAME, lambda: [CODED, SIGNS, MASKED, PROFILE], load),
    inside("measurement_description", CODED, "description", DESCRIPTION),
    inside("measurement_masked", MASKED, "description", DESCRIPTION),
    inside("measurement_profile", PROFILE, "description", DESCRIPTION),
    inside("measurement_trellis", TRELLIS, "description", DESCRIPTION),
    inside("measurement_trellis_models", TRELLIS, "models", AS_IT_IS),
    inside("measurement_trellis_levels", TRELLIS, "levels", AS_IT_IS),
    inside("measurement_star", SIGNS, "star", TABLES),
    inside("measurement_models", CODED, "models", AS_IT_IS),
    inside("measurement_values", CODED, "values", AS_IT_IS),
    inside("measurement_std", CODED, "std", AS_IT_IS),
    inside("measurement_levels", CODED, "levels", AS_IT_IS),
    Target(
        "measurement_metadata",
        "a.star",
        lambda: [star()],
        load_described,
        lambda folder: (folder / NAME).write_bytes(SIGNS),
    ),
    Target("measurement_directory", NAME, lambda: [CODED.split(b"\n")[1]], load, wrap=partial(with_directory, CODED)),
]
