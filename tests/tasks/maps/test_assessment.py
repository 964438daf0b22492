"""What is found of half maps: every curve that is asked for, with intervals where they are."""

from pathlib import Path

import pytest
import torch

from cryosense.data import ParticleDataError
from cryosense.metrics import fsc
from cryosense.tasks.maps.files import write_volume
from cryosense.tasks.maps.uncertainty import Bootstrap
from tests.tasks.assessments import assessment
from tests.tasks.balls import COUNT, PIXEL, N, gaussian, reconstruction


def test_columns_are_what_was_asked_for(tmp_path: Path) -> None:
    made = reconstruction(groups=2)
    write_volume(tmp_path / "reference.mrc", gaussian(3), PIXEL)
    judge = assessment(reference=str(tmp_path / "reference.mrc"), bootstrap=Bootstrap(50, 2, 0.9, 0))
    found = judge.judge(made)
    torch.testing.assert_close(
        torch.tensor(found.table["to_reference"].to_numpy()), fsc(made.full_map, gaussian(3).double()), atol=1e-6, rtol=0
    )
    for curve in ("unmasked", "masked", "corrected"):
        low, value, high = (found.table[name] for name in (f"{curve}_low", curve, f"{curve}_high"))
        assert (low[1:] <= value[1:] + 1e-9).all()
        assert (value[1:] <= high[1:] + 1e-9).all()
    known = found.resolutions.set_index(["curve", "threshold"])["interval_low_angstrom"]
    assert known[("to_reference", 0.5)] != known[("to_reference", 0.5)]
    assert found.equivalent_particles is None
    plain = assessment().judge(made)
    assert set(plain.table.columns) == {
        *("shell", "frequency_per_angstrom", "unmasked", "masked", "phase_randomised", "corrected"),
        *("cone_minimum", "cone_median", "cone_maximum"),
    }


def test_what_cannot_be_compared_is_said_beforehand(tmp_path: Path) -> None:
    halves = torch.arange(COUNT) % 2
    for changes, message in (
        ({"reference": str(tmp_path / "none.mrc")}, "reference: .*cannot be read"),
        ({"model": str(tmp_path / "none.pdb")}, "model: there is no file"),
        ({"cross_reference": str(tmp_path)}, "no finished back-projection"),
        ({"bootstrap": Bootstrap(10, COUNT // 2, 0.95, 0)}, "too few for bootstrap_groups"),
    ):
        with pytest.raises(ParticleDataError, match=message):
            assessment(**changes).check(N, PIXEL, halves, "digest")
