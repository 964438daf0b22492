"""Loaders of files from strangers: for each, small valid files and how they are opened."""

from __future__ import annotations

import io
import pickle
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import mrcfile
import numpy as np
import pandas as pd
import starfile
import torch

from cryosense.data import ParticleStack
from cryosense.data.latents import read_classes, read_latents
from cryosense.data.maps import read_map
from cryosense.files.star_text import read_blocks
from cryosense.tasks.maps.alignments import Alignments
from tests.files.star_files import drawn, said, same, written

N = 4
IMAGES = np.random.default_rng(0).standard_normal((3, N, N)).astype(np.float32)


@dataclass(frozen=True)
class Target:
    """A loader.

    Attributes:
        name: of the target.
        file: name of the fuzzed file.
        seeds: contents of valid files.
        load: opens the file and uses what it says, as a run would.
        beside: writes valid files that the fuzzed one needs beside it.
        complete: whether the seeds can be used; those of weights, which are large, are only a part.
        wrap: what stands on disk for some content: the inside of a container is fuzzed, its checksums stay right.
    """

    name: str
    file: str
    seeds: Callable[[], list[bytes]]
    load: Callable[[Path], object]
    beside: Callable[[Path], object] | None = None
    complete: bool = True
    wrap: Callable[[bytes], bytes] = bytes

    def place(self, folder: Path) -> Path:
        """Make the folder that the fuzzed file will lie in. -> its path."""
        folder.mkdir(parents=True, exist_ok=True)
        if self.beside is not None:
            self.beside(folder)
        return folder / self.file


def use(stack: ParticleStack) -> None:
    """Ask for what every run asks of a stack."""
    stack.check_pixel_size()
    stack.pixel_size_angstrom, stack.metadata, stack.optics  # noqa: B018
    for _ in stack.chunks(2):
        pass


def saved(write: Callable[[Path], object], suffix: str) -> bytes:
    """-> what a function writes to a path."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"seed{suffix}"
        write(path)
        return path.read_bytes()


def write_mrcs(path: Path) -> None:
    with mrcfile.new(path, IMAGES, overwrite=True) as mrc:
        mrc.set_image_stack()
        mrc.voxel_size = 1.5


def write_stack(folder: Path) -> None:
    write_mrcs(folder / "stack.mrcs")


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def pt(content: object, *, zipped: bool) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer, _use_new_zipfile_serialization=zipped)
    return buffer.getvalue()


def rezipped(whole: bytes, member: str) -> Callable[[bytes], bytes]:
    """-> a function that puts a content in the place of one member of a zip file, stored, with a right checksum."""

    def wrap(content: bytes) -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(whole)) as old, zipfile.ZipFile(buffer, "w") as new:
            for info in old.infolist():
                new.writestr(info.filename, content if info.filename.endswith(member) else old.read(info))
        return buffer.getvalue()

    return wrap


def member(whole: bytes, name: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(whole)) as old:
        return next(old.read(info) for info in old.infolist() if info.filename.endswith(name))


def star_31(path: Path) -> None:
    optics = {"rlnOpticsGroup": [1, 2], "rlnVoltage": [300.0, 300.0], "rlnSphericalAberration": [2.7, 2.7]}
    optics |= {"rlnAmplitudeContrast": [0.1, 0.1], "rlnImagePixelSize": [1.5, 1.5], "rlnImageSize": [N, N]}
    particles = {"rlnImageName": [f"{i + 1:06d}@stack.mrcs" for i in range(3)], "rlnOpticsGroup": [1, 2, 1]}
    particles |= {"rlnAngleRot": [1.0, 2.0, 3.0], "rlnDefocusU": [1e4, 1.1e4, 1.2e4], "rlnDefocusV": [1e4] * 3}
    particles |= {"rlnDefocusAngle": [30.0, 31.0, 32.0], "rlnRandomSubset": [1, 2, 1]}
    starfile.write({"optics": pd.DataFrame(optics), "particles": pd.DataFrame(particles)}, path)


STAR_30 = b"""data_images

loop_
_rlnImageName #1
_rlnMagnification #2
_rlnDetectorPixelSize #3
_rlnOriginX #4
_rlnGroupName #5
000002@stack.mrcs 50000.000000 7.500000 -1.500000 007
000001@stack.mrcs 50000.000000 7.500000 0.250000 010
"""


def star_optics(path: Path) -> None:
    """Everything that can be said of how images came about, and of what they share."""
    star_31(path)
    tables = starfile.read(path)
    optics = {"rlnBeamTiltX": 0.1, "rlnBeamTiltY": -0.2, "rlnOddZernike": "[0.1,2,-3]", "rlnEvenZernike": "[0,1.5]"}
    optics |= {"rlnMagMat00": 1.01, "rlnMagMat01": 0.02, "rlnMagMat10": 0.0, "rlnMagMat11": 0.99}
    optics |= {"rlnCtfDataAreCtfPremultiplied": 1, "rlnImageDimensionality": 2, "rlnMtfFileName": "mtf.star"}
    particles = {"rlnAngleTilt": 10.0, "rlnAnglePsi": 20.0, "rlnMicrographName": "m.mrc", "rlnHelicalTubeID": [1, 2, 3]}
    particles |= {"rlnCoordinateX": [1.0, 500.0, 900.0], "rlnCoordinateY": 7.0, "rlnOriginXAngst": 0.5, "rlnOriginYAngst": 0.0}
    tables = {"optics": tables["optics"].assign(**optics), "particles": tables["particles"].assign(**particles)}
    starfile.write(tables, path, overwrite=True)


def comes_back(path: Path) -> None:
    """Read, write and read again: the same text."""
    blocks = said(read_blocks(path))
    again = path.with_name("again.star")
    again.write_bytes(written(path))
    assert same(said(read_blocks(again)), blocks)


def cs_table() -> np.ndarray:
    fields = [("uid", "<u8"), ("blob/path", "S16"), ("blob/idx", "<u4"), ("blob/shape", "<u4", (2,)), ("blob/psize_A", "<f4")]
    fields += [("ctf/df1_A", "<f4"), ("ctf/df_angle_rad", "<f4"), ("ctf/accel_kv", "<f4"), ("ctf/exp_group_id", "<u4")]
    fields += [("alignments3D/pose", "<f4", (3,)), ("alignments3D/shift", "<f4", (2,)), ("alignments3D/split", "<u4")]
    table = np.zeros(3, dtype=fields)
    table["uid"], table["blob/path"], table["blob/idx"] = [5, 6, 7], b">stack.mrcs", [0, 1, 2]
    table["blob/shape"], table["blob/psize_A"], table["ctf/df1_A"], table["alignments3D/split"] = N, 1.5, 1e4, [0, 1, 0]
    table["alignments3D/pose"] = IMAGES.reshape(3, -1)[:, :3]
    return table


def poses() -> tuple[np.ndarray, np.ndarray]:
    return np.stack([np.eye(3, dtype=np.float32)] * 3), np.zeros((3, 2), np.float32)


def pickles(content: object) -> list[bytes]:
    return [pickle.dumps(content, protocol=protocol) for protocol in (0, 2, 5)]


def ctf() -> np.ndarray:
    return np.array([[N, 1.5, 1e4, 1.1e4, 30.0, 300.0, 2.7, 0.1, 0.0]] * 3, np.float32)


def write_ctf(folder: Path) -> None:
    write_stack(folder)
    (folder / "ctf.pkl").write_bytes(pickle.dumps(ctf()))


TENSOR = torch.from_numpy(IMAGES)
ZIPPED = pt(TENSOR, zipped=True)
TARGETS = [
    Target("mrcs", "a.mrcs", lambda: [saved(write_mrcs, ".mrcs")], lambda path: use(ParticleStack.open(path))),
    Target("map", "a.mrc", lambda: [saved(write_mrcs, ".mrcs")], read_map),
    Target("npy", "a.npy", lambda: [npy(IMAGES), npy(IMAGES.astype(">i2"))], lambda path: use(ParticleStack.open(path))),
    Target("pt", "a.pt", lambda: [ZIPPED], lambda path: use(ParticleStack.open(path))),
    Target("pt_old", "a.pt", lambda: [pt(TENSOR, zipped=False)], lambda path: use(ParticleStack.open(path))),
    Target(
        "pt_pickle",
        "a.pt",
        lambda: [member(ZIPPED, "data.pkl")],
        lambda path: use(ParticleStack.open(path)),
        wrap=rezipped(ZIPPED, "data.pkl"),
    ),
    Target(
        "star", "a.star", lambda: [saved(star_31, ".star"), STAR_30], lambda path: use(ParticleStack.open(path)), write_stack
    ),
    Target("star_text", "a.star", lambda: [drawn(np.random.default_rng(seed))[0] for seed in range(8)], comes_back),
    Target(
        "star_optics",
        "a.star",
        lambda: [saved(star_optics, ".star")],
        lambda path: Alignments.of(ParticleStack.open(path), with_ctf=True),
        write_stack,
    ),
    Target("cs", "a.cs", lambda: [npy(cs_table())], lambda path: use(ParticleStack.open(path)), write_stack),
    Target(
        "poses",
        "poses.pkl",
        lambda: pickles(poses()),
        lambda path: use(ParticleStack.open(path.parent / "stack.mrcs", [path, path.parent / "ctf.pkl"])),
        write_ctf,
    ),
    Target(
        "ctf",
        "ctf.pkl",
        lambda: pickles(ctf()),
        lambda path: use(ParticleStack.open(path.parent / "stack.mrcs", [path])),
        write_stack,
    ),
    Target("latents", "z.9.pkl", lambda: pickles(IMAGES.reshape(6, -1).astype(np.float64)), read_latents),
    Target("latents_npy", "z.npy", lambda: [npy(IMAGES.reshape(6, -1))], read_latents),
    Target("classes", "a.csv", lambda: [b"particle,state\n0,a\n1,b\n2,a\n"], lambda path: read_classes(path, "state")),
]
