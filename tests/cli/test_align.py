"""``cryosense align`` from the command line's side: simulated particles to the poses they were made with."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
import starfile
import torch

from cryosense.alignment import angles_between_deg
from cryosense.cli import align, backproject, measure, simulate
from cryosense.data import ParticleStack
from cryosense.tasks.poses.progress import Find, Portions
from cryosense.volumes.poses import rotation_matrices
from cryosense.volumes.symmetry import point_group

ANGLES, ORIGINS = ["rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi"], ["rlnOriginXAngst", "rlnOriginYAngst"]
QUICK = ["box_size=32", "pixel_size_angstrom=7.0", "density.resolution_angstrom=14.0", "count=48", "snr=1.0", "seed=1"]
WORDS = ["data.path=set/blind.star", "reference=set/volume.mrc", "reference_resolution_angstrom=20", "output_dir=poses"]
WORDS += ["fineness.last_order=3", "fineness.shift_radius_pixels=3", "calibration_particles=24"]

MASKS = ["operator=fourier", "operator/masks=uniform", "operator.per_particle=true", "compression=2.5"]


def run(monkeypatch: pytest.MonkeyPatch, verb: str, *words: str) -> None:
    monkeypatch.setattr("sys.argv", [f"cryosense {verb}", *words])
    {"simulate": simulate, "align": align, "measure": measure, "backproject": backproject}[verb].main()


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set with ``blind.star``, its particles without poses."""
    made = tmp_path_factory.mktemp("simulated") / "set"
    with pytest.MonkeyPatch.context() as patch:
        run(patch, "simulate", f"output_dir={made}", *QUICK)
    blocks = starfile.read(made / "particles.star", always_dict=True)
    blocks["particles"] = blocks["particles"].drop(columns=[*ANGLES, *ORIGINS])
    starfile.write(blocks, made / "blind.star")
    return made


@pytest.fixture
def data(simulated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A simulated data set, the current directory beside it."""
    monkeypatch.chdir(tmp_path)
    return Path(shutil.copytree(simulated, tmp_path / "set"))


def errors(found: Path, data: Path) -> tuple[torch.Tensor, torch.Tensor]:
    """-> angles in degrees and distances in Angstrom from the truth."""
    tables = [ParticleStack.open(path).metadata for path in (found, data / "particles.star")]
    one, other = (rotation_matrices(torch.tensor(t[ANGLES].to_numpy(dtype=float))) for t in tables)
    distance = torch.tensor(tables[0][ORIGINS].to_numpy(float) - tables[1][ORIGINS].to_numpy(float)).norm(dim=1)
    return angles_between_deg(one, other, point_group("C1")), distance


def test_poses_are_those_of_the_simulation(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(monkeypatch, "align", *WORDS)
    assert "look at poses.png" in capsys.readouterr().out
    angles, distance = errors(Path("poses/particles.star"), data)
    assert float(angles.median()) < 2.0
    assert float((angles < 20).double().mean()) > 0.95
    assert float(distance.median()) < 1.0
    assert json.loads(Path("poses/done.json").read_text())["particles"] == 48
    found = starfile.read("poses/particles.star")
    assert found["particles"]["rlnImageName"][0] == "000001@set/particles.mrcs"  # from here, where RELION is started
    given = starfile.read(data / "blind.star")["particles"]
    kept = [name for name in given.columns if name != "rlnImageName"]
    pd.testing.assert_frame_equal(found["particles"][kept], given[kept])
    before = {path.name: path.stat().st_mtime_ns for path in Path("poses").iterdir()}
    run(monkeypatch, "align", *WORDS, "chunk_size=5", "checkpoint_particles=7")
    assert before == {path.name: path.stat().st_mtime_ns for path in Path("poses").iterdir()}


def test_masks_are_known_to_the_alignment(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(monkeypatch, "align", *WORDS, *MASKS)
    angles, _ = errors(Path("poses/particles.star"), data)
    assert float(angles.median()) < 4.0
    assert float((angles < 20).double().mean()) > 0.9


@pytest.mark.parametrize(
    ("measured_by", "aligned_by"),
    [
        (["design=full", "quantiser=sign"], ["quantiser=sign"]),
        ([*MASKS, "quantiser=uniform"], [*MASKS, "quantiser=uniform", "iterations=2", "refinement.settled_deg=0"]),
    ],
)
def test_a_measurement_file_alone_gives_what_the_stack_gives_measured_alike(
    data: Path, monkeypatch: pytest.MonkeyPatch, measured_by: list[str], aligned_by: list[str]
) -> None:
    run(monkeypatch, "align", *WORDS, *aligned_by, "scaling=stack")
    mapped = ["data.path=poses/particles.star", "output_dir=map_of_stack", *measured_by, "scaling=stack"]
    run(monkeypatch, "backproject", *mapped)
    run(monkeypatch, "measure", "set/blind.star", "output=alone.cryo.h5", *measured_by)
    for path in data.glob("particles*.mrcs"):
        path.unlink()
    words = ["data.path=alone.cryo.h5", *WORDS[1:], "output_dir=of_file"]
    run(monkeypatch, "align", *words, *(word for word in aligned_by if word.startswith(("iterations", "refinement"))))
    of_stack, of_file = (pd.read_parquet(f"{folder}/poses.parquet") for folder in ("poses", "of_file"))
    pd.testing.assert_frame_equal(of_file, of_stack, check_exact=True)
    star = starfile.read("of_file/particles.star")["particles"]
    given = starfile.read(data / "blind.star")["particles"]
    assert star["rlnImageName"].tolist() == given["rlnImageName"].tolist()  # the images themselves are not there
    with pytest.raises(SystemExit, match="states how its particles were measured"):
        run(monkeypatch, "align", *words, "quantiser=sign")
    words = ["data.path=alone.cryo.h5", "output_dir=map_of_file"]
    with pytest.raises(SystemExit, match=r"poses are needed.*data\.metadata"):
        run(monkeypatch, "backproject", *words)
    run(monkeypatch, "backproject", *words, "data.metadata=of_file/particles.star")
    one, other = (Path(folder, "map.mrc").read_bytes()[1024:] for folder in ("map_of_file", "map_of_stack"))
    assert one == other


def test_shards_and_portions_make_the_same_poses(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(monkeypatch, "align", *WORDS)
    whole = pd.read_parquet("poses/poses.parquet")
    for index in (1, 0):
        words = [word.replace("=poses", "=parts") for word in WORDS]
        run(monkeypatch, "align", *words, "shard.count=2", f"shard.index={index}", "chunk_size=5", "checkpoint_particles=10")
        assert Path("parts/particles.star").exists() == (index == 0)
    pd.testing.assert_frame_equal(pd.read_parquet("parts/poses.parquet"), whole, check_exact=True)


def test_a_killed_run_goes_on_behind_its_last_portion(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    found = Portions.found

    def killed(self: Portions, directory: Path, rows: torch.Tensor, find: Find, progress: object) -> pd.DataFrame:
        def count(done: int) -> None:
            seen.append(done)
            if sum(seen) >= 30:
                raise KeyboardInterrupt

        return found(self, directory, rows, find, count)

    portions = ["chunk_size=10", "checkpoint_particles=20"]
    with monkeypatch.context() as patch:
        patch.setattr(Portions, "found", killed)
        with pytest.raises(KeyboardInterrupt):
            run(patch, "align", *WORDS, *portions)
    assert sorted(path.name for path in Path("poses/poses").iterdir()) == ["000000000.parquet"]
    first = Path("poses/poses/000000000.parquet").stat().st_mtime_ns
    with monkeypatch.context() as patch:
        patch.setattr("cryosense.tasks.poses.run.shutil.rmtree", lambda _: None)
        patch.setattr("cryosense.runs.run_directory.remove", lambda *_: None)
        run(patch, "align", *WORDS, *portions)
    assert Path("poses/poses/000000000.parquet").stat().st_mtime_ns == first
    assert len(pd.read_parquet("poses/poses.parquet")) == 48


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["reference=set/none.mrc"], "reference: set/none.mrc cannot be read"),
        (["reference_resolution_angstrom=100"], "at most 74.67"),
        (["symmetry=T"], "symmetry=T: point groups are"),
        (["symmetry=C7"], "set/volume.mrc: turned by symmetry=C7 .*: move its axis there, or give the symmetry that it has"),
        (["fineness.last_order=1"], "last_order=1"),
        (["fineness.shift_radius_pixels=inf"], "shift_radius_pixels=inf must be at most 16"),
        (["fineness.shift_radius_pixels=17"], "shift_radius_pixels=17 must be at most 16"),
        (["fineness.marginal=true"], "choose one"),
        (["calibration_particles=1"], "calibration_particles must be at least 2"),
        (["shard.index=2", "shard.count=2"], "shard.index=2"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(
    data: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], said: str
) -> None:
    del data
    with pytest.raises(SystemExit, match=said):
        run(monkeypatch, "align", *WORDS, *words)
    assert not Path("poses/particles.star").exists()


def test_another_reference_of_the_same_name_is_another_run(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(monkeypatch, "align", *WORDS)
    shutil.copy(data / "particles.mrcs", data / "spare.mrcs")
    volume = data / "volume.mrc"
    content = bytearray(volume.read_bytes())
    content[-8192:-4096] = b"\0" * 4096
    content[100_000:104_096] = b"\0" * 4096
    volume.write_bytes(content)
    with pytest.raises(SystemExit, match="other images under the same path"):
        run(monkeypatch, "align", *WORDS)


def test_a_refinement_keeps_the_poses_with_maps_of_its_own_and_goes_on_where_it_stopped(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [word for word in WORDS if not word.startswith("reference_resolution")] + ["reference_resolution_angstrom=35"]
    run(monkeypatch, "align", *words)
    coarse, _ = errors(Path("poses/particles.star"), data)
    words = [word.replace("=poses", "=refined") for word in words] + ["iterations=2", "refinement.settled_deg=0"]
    run(monkeypatch, "align", *words)
    assert "iteration_002: half maps" in capsys.readouterr().out
    fine, _ = errors(Path("refined/particles.star"), data)
    assert float(fine.median()) < 1.3 * float(coarse.median())  # 24 particles to a map, against the density itself
    assert float((fine < 20).double().mean()) > 0.85
    made = json.loads(Path("refined/iterations/iteration_002/iteration.json").read_text())
    assert made["resolution_angstrom"] < 35
    before = pd.read_parquet("refined/poses.parquet")
    for name in ("done.json", "particles.star", "poses.parquet", "iterations/iteration_002/iteration.json"):
        Path("refined", name).unlink()
    first = Path("refined/iterations/iteration_001/poses.parquet").stat().st_mtime_ns
    run(monkeypatch, "align", *words)
    assert Path("refined/iterations/iteration_001/poses.parquet").stat().st_mtime_ns == first
    pd.testing.assert_frame_equal(pd.read_parquet("refined/poses.parquet"), before)


def test_shards_of_a_refinement_go_on_by_turns_to_the_maps_of_one_process(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = starfile.read(data / "blind.star", always_dict=True)
    blocks["particles"]["rlnRandomSubset"] = [1] * 30 + [2] * 18  # the first shard has particles of one half set only
    starfile.write(blocks, data / "blind.star")
    words = [*WORDS, "iterations=2", "refinement.settled_deg=0"]
    run(monkeypatch, "align", *words)
    words = [word.replace("=poses", "=parts") for word in words]
    turns = [0, 1, 0, 1]  # each ends where it needs the other, which is not at work
    for done, index in enumerate(turns, 1):
        run(monkeypatch, "align", *words, "shard.count=2", f"shard.index={index}", f"chunk_size={8 + 3 * done}")
        assert Path("parts/particles.star").exists() == (done == len(turns))
    first = [pd.read_parquet(f"{folder}/iterations/iteration_001/poses.parquet") for folder in ("poses", "parts")]
    pd.testing.assert_frame_equal(*first, check_exact=True)
    angles, distance = errors(Path("parts/particles.star"), Path("poses"))
    assert float(angles.median()) < 0.01  # sums of two parts round otherwise than one
    assert float(distance.median()) < 0.01
    assert not Path("parts/shards").exists()
    assert sorted(path.name for path in Path("parts/iterations/iteration_002").iterdir()) == sorted(
        path.name for path in Path("poses/iterations/iteration_002").iterdir()
    )
