"""Tables come back value for value, and bytes that lie take no memory."""

import lzma

import numpy as np
import pandas as pd
import pytest

from cryosense.measurement.file.table_codec import decode_tables, encode_tables

TABLE = pd.DataFrame(
    {
        "rlnImageName": [f"{i + 1:06d}@stack.mrcs" for i in range(50)],
        "rlnGroupName": ["ice", None, "007", "a b", "µ"] * 10,
        "rlnOpticsGroup": np.arange(50) // 7,
        "rlnDefocusU": np.round(np.random.default_rng(0).uniform(5000, 30000, 50), 6),
        "rlnAngleRot": np.random.default_rng(1).uniform(-180, 180, 50),
        "rlnOriginXAngst": np.random.default_rng(2).standard_normal(50).astype(np.float32).astype(np.float64),
        "rlnPhaseShift": np.zeros(50),
        "strange": [np.nan, np.inf, -0.0, 1e-320, 1e300] * 10,
    }
)


def test_tables_come_back_value_for_value() -> None:
    optics = pd.DataFrame({"rlnOpticsGroup": [1, 2], "rlnVoltage": [300.0, 200.0]})
    back = decode_tables(encode_tables({"particles": TABLE, "optics": optics}), 50)
    pd.testing.assert_frame_equal(back["optics"], optics, check_exact=True)
    assert list(back["particles"]) == list(TABLE)
    for name in TABLE:
        if TABLE[name].dtype.kind == "f":
            assert back["particles"][name].to_numpy().tobytes() == TABLE[name].to_numpy().tobytes() or name == "strange"
            np.testing.assert_array_equal(back["particles"][name], TABLE[name])
        else:
            assert back["particles"][name].fillna("-").tolist() == TABLE[name].fillna("-").tolist()


def test_a_table_without_columns_keeps_its_rows() -> None:
    back = decode_tables(encode_tables({"particles": pd.DataFrame(index=pd.RangeIndex(9))}), 9)
    assert back["particles"].shape == (9, 0)


def test_bytes_that_lie_are_refused() -> None:
    good = encode_tables({"particles": TABLE})
    for wrong in (good[:-9], b"no", lzma.compress(bytes(2**27))):
        with pytest.raises(ValueError, match=r"compressed|memory"):
            decode_tables(wrong, 50)
    with pytest.raises(ValueError, match="rows"):
        decode_tables(good, 49)
