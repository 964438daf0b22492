"""Keys that would change nothing are refused: nobody takes a map for one of what was measured that is not."""

from pathlib import Path

import pytest

from tests.cli.test_measure import cryosense
from tests.measurement.file.stacks import write_many


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stack")
    write_many(folder, 64)
    cryosense("measure", folder / "particles.star", f"output={folder}/a.cryo.h5", "quantiser=sign")
    return folder


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("backproject {0}/particles.star compression=4 output_dir={1}", "compression=4: without an operator nothing"),
        ("backproject {0}/particles.star ++compression=4 output_dir={1}", "compression=4: without an operator nothing"),
        ("backproject ++data.path={0}/a.cryo.h5 compression=4 output_dir={1}", "compression=4: a measurement file states"),
        (
            "align {0}/particles.star reference=a.mrc reference_resolution_angstrom=20 compression=4 output_dir={1}",
            "compression=4: without an operator nothing",
        ),
        ("measure {0}/particles.star compression=4 design=full output={1}/a.cryo.h5", "compression=4: with this design"),
        ("backproject {0}/a.cryo.h5 compression=4 output_dir={1}", "compression=4: a measurement file states"),
        ("measure {0}/particles.star {clean} output={1}/a.cryo.h5", "data.clean_path: of use to cryosense train,"),
        ("backproject {0}/particles.star {clean} output_dir={1}", "data.clean_path: of use to cryosense train,"),
        ("export {0}/particles.star {clean} output_dir={1}", "data.clean_path: of use to cryosense train,"),
    ],
)
def test_a_key_without_effect_is_refused(folder: Path, tmp_path: Path, line: str, said: str) -> None:
    out = tmp_path / "out"
    words = line.format(folder, out, clean=f"data.clean_path={folder}/particles.mrcs").split()
    assert said in cryosense(*words, fails=True)
    assert not out.exists()
