"""Latents and known values: what is read, and that what is not numbers for each particle is refused by name."""

import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import starfile

from cryosense.data import ParticleDataError
from cryosense.data.latents import read_classes, read_coordinate, read_latents


class Trap:
    """Writes a file when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, ...]:
        return Path.write_text, (self.marker, "code ran")


def test_cryodrgns_means_and_plain_arrays(tmp_path: Path, noise) -> None:
    means, variances = noise(0, 30, 8), noise(1, 30, 8)
    with (tmp_path / "z.4.pkl").open("wb") as file:  # as cryoDRGN's save_checkpoint does
        pickle.dump(means, file)
        pickle.dump(variances, file)
    np.save(tmp_path / "z.npy", means)
    np.save(tmp_path / "one.npy", means[:, 0])
    np.testing.assert_array_equal(read_latents(tmp_path / "z.4.pkl"), means)
    np.testing.assert_array_equal(read_latents(tmp_path / "z.npy"), means)
    np.testing.assert_array_equal(read_latents(tmp_path / "one.npy"), means[:, :1])


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (np.zeros((0, 2)), "not an array of real numbers"),
        (np.zeros((3, 2, 2)), r"shape \(3, 2, 2\) is not latents"),
        (np.array([["a"]]), "not an array of real numbers"),
        (np.array([[1.0, 2.0], [np.nan, 1.0]]), r"of 1 particle\(s\) are not finite, the first of them 1"),
        (np.ones((4, 2)), "the same for all particles"),
        (np.array([{}], dtype=object), "not a readable .npy"),
    ],
)
def test_arrays_that_are_no_latents(tmp_path: Path, content: np.ndarray, reason: str) -> None:
    np.save(tmp_path / "bad.npy", content, allow_pickle=True)
    with pytest.raises(ParticleDataError, match=rf"bad\.npy: .*{reason}"):
        read_latents(tmp_path / "bad.npy")


def test_hostile_files_run_nothing_and_take_no_memory(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    (tmp_path / "z.pkl").write_bytes(pickle.dumps(Trap(marker)))
    np.save(tmp_path / "trap.npy", np.array([Trap(marker)], dtype=object), allow_pickle=True)
    with (tmp_path / "bomb.npy").open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<f8", "fortran_order": False, "shape": (2**40, 8)})
    (tmp_path / "poses.pkl").write_bytes(pickle.dumps((np.zeros((2, 3, 3)), np.zeros((2, 2)))))
    for name, reason in (("z.pkl", "refused"), ("trap.npy", "not a readable"), ("bomb.npy", "not a readable")):
        with pytest.raises(ParticleDataError, match=reason):
            read_latents(tmp_path / name)
    with pytest.raises(ParticleDataError, match=r"poses\.pkl: holds 2 arrays"):
        read_latents(tmp_path / "poses.pkl")
    with pytest.raises(ParticleDataError, match=r"absent\.npy: no such file"):
        read_latents(tmp_path / "absent.npy")
    with pytest.raises(ParticleDataError, match="give cryoDRGN's"):
        read_latents(Path(__file__))
    assert not marker.exists()


def test_known_values_from_each_kind_of_file(tmp_path: Path) -> None:
    table = pd.DataFrame({"rlnClassNumber": [3, 1, 3], "rlnGroupName": ["b", "a", "b"], "angle": [0.5, -1.0, 2.0]})
    table.to_csv(tmp_path / "labels.csv")
    starfile.write({"particles": table.assign(rlnImageName="1@a.mrcs")}, tmp_path / "p.star")
    np.save(tmp_path / "labels.npy", table["rlnClassNumber"].to_numpy())
    for name, column in (("labels.csv", "rlnClassNumber"), ("p.star", "rlnGroupName"), ("labels.npy", None)):
        assert read_classes(tmp_path / name, column).tolist() == [1, 0, 1]
    for name in ("labels.csv", "p.star"):
        assert read_coordinate(tmp_path / name, "angle").tolist() == [0.5, -1.0, 2.0]


def test_what_is_not_known_for_each_particle(tmp_path: Path) -> None:
    pd.DataFrame({"state": [1, None, 2], "same": 1, "word": ["a", "b", "c"]}).to_csv(tmp_path / "t.csv")
    np.save(tmp_path / "two.npy", np.zeros((3, 2)))
    for read, column, reason in (
        (read_classes, "state", r"state is missing for 1 particle\(s\)"),
        (read_classes, "same", "same is the same for all"),
        (read_coordinate, "word", r"word is not a number for 3 particle\(s\), the first of them 0"),
        (read_coordinate, "state", "state is not a number"),
        (read_coordinate, "other", "no column other; there are .*state"),
    ):
        with pytest.raises(ParticleDataError, match=rf"t\.csv: {reason}"):
            read(tmp_path / "t.csv", column)
    with pytest.raises(ParticleDataError, match=r"two\.npy: shape \(3, 2\)"):
        read_classes(tmp_path / "two.npy", None)
    (tmp_path / "no.csv").write_bytes(b"\xff\xfe\x00,\n")
    with pytest.raises(ParticleDataError, match=r"no\.csv: "):
        read_classes(tmp_path / "no.csv", "state")


def test_a_signalling_nan_is_refused_without_a_warning(tmp_path: Path) -> None:
    np.save(tmp_path / "z.npy", np.array([[0x7F800001], [0]], dtype="<u4").view("<f4"))
    with pytest.raises(ParticleDataError, match=r"z\.npy: .*not finite"):
        read_latents(tmp_path / "z.npy")
