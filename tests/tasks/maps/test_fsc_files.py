"""FSC on disk: RELION's names with the right curves under them, and resolutions that say when they are only Nyquist."""

from pathlib import Path

import pandas as pd
import pytest
import starfile
import torch

from cryosense.files.tables import read_table, reading, write_csv
from cryosense.metrics import HalfMapCurves
from cryosense.tasks.maps.fsc_files import fsc_table, resolution_table, write_fsc_star

N, PIXEL = 16, 2.0


def table() -> pd.DataFrame:
    falling = torch.tensor([1.0, 0.9, 0.8, 0.4, 0.3, 0.2, 0.1, 0.1, 0.1], dtype=torch.float64)
    curves = HalfMapCurves(falling, falling.sqrt(), 0 * falling, 3)
    return fsc_table(curves, {"to_reference": torch.full_like(falling, 0.7)}, N, PIXEL)


def test_resolutions_are_read_at_both_thresholds() -> None:
    read = resolution_table(table(), N, PIXEL).set_index(["curve", "threshold"])
    assert read.loc[("unmasked", 0.5), "resolution_angstrom"] == pytest.approx(32 / 2.75)
    assert read.loc[("unmasked", 0.143), "resolution_angstrom"] == pytest.approx(32 / 5.57)
    assert read.loc[("to_reference", 0.5), "resolution_angstrom"] == 2 * PIXEL
    assert read["at_nyquist"].tolist() == [False, False, True, False, True, False, True, True]
    assert reading(4.0, at_nyquist=True) == "≤ 4.00 Å (Nyquist)"
    assert reading(float("inf"), at_nyquist=False) == "none"


def test_files_hold_the_curves(tmp_path: Path) -> None:
    curves = table()
    write_csv(tmp_path / "fsc.csv", curves)
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "fsc.csv"), curves)
    write_fsc_star(tmp_path / "fsc.star", curves, resolution_table(curves, N, PIXEL), 10.7)
    blocks = starfile.read(tmp_path / "fsc.star")
    assert blocks["general"]["rlnFinalResolution"] == pytest.approx(4.0)
    assert blocks["general"]["rlnRandomiseFrom"] == pytest.approx(10.7)
    written = blocks["fsc"]
    assert written["rlnAngstromResolution"].iloc[0] == 999
    assert written["rlnAngstromResolution"].iloc[4] == pytest.approx(8.0)
    for relion, ours in {
        "rlnFourierShellCorrelationUnmaskedMaps": "unmasked",
        "rlnFourierShellCorrelationMaskedMaps": "masked",
        "rlnFourierShellCorrelationCorrected": "corrected",
        "rlnCorrectedFourierShellCorrelationPhaseRandomizedMaskedMaps": "phase_randomised",
    }.items():
        assert (written[relion] - curves[ours]).abs().max() < 1e-5


def test_tables_are_read_back_or_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("curve,value\n1,2\nb,inf\n")
    assert read_table(path, ["value"], words=["curve"]).to_dict("list") == {"curve": ["1", "b"], "value": [2.0, float("inf")]}
    cases = {
        "": "not a readable",
        "curve,value\n": "no rows",
        "curve\na\n": "no column value",
        "curve,value\na,b\n": "not a readable",
    }
    for content, message in cases.items():
        path.write_text(content)
        with pytest.raises(ValueError, match=rf"a\.csv.*{message}"):
            read_table(path, ["value"], words=["curve"])
