"""Tables come back word for word and value for value, and bytes that lie take no memory."""

import json
import lzma

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cryosense.files.star_text import TEXT
from cryosense.measurement.file.rounding import rounded
from cryosense.measurement.file.table_codec import decode_tables, encode_tables

random = np.random.default_rng(0)
VALUES = pd.DataFrame(
    {
        "whole": np.arange(50) // 7,
        "unsigned": np.arange(50, dtype=np.uint8),
        "large": np.array([2**64 - 1, 0] * 25, np.uint64),
        "decimal": np.round(random.uniform(5000, 30000, 50), 6),
        "double": random.uniform(-180, 180, 50),
        "single": random.standard_normal(50).astype(np.float32),
        "zero": np.zeros(50),
        "strange": [np.nan, np.inf, -0.0, 1e-320, 1e300] * 10,
        "truth": np.arange(50) % 3 == 0,
        "names": ["ice", "007", "a b", "", "µ"] * 10,
        "some": ["ice", None, "007", "a b", "µ"] * 10,
        "objects": pd.Series(["ice", None, "007", "a b", "µ"] * 10, dtype=object),
    }
)
WORDS = {
    "relion's numbers": ["0.019324", "-0.64686", "0.403454", "12.000000", "-102.30296"],
    "its large numbers": ["2.586789e+05", "2.55e+05", "1.0e-07", "-3.1e+00", "2.6e+05"],
    "negative zeros": ["-0.000000", "0.000000", "-0.0", "-0", "1.5"],
    "doubles": ["115.07221979621372", "1e-05", "-1e+300", "0.1", "5e-324"],
    "singles": ["7.526651620864868", "11688.10546875", "-0.25", "0.5", "inf"],
    "singles to six decimals": ["7.526652", "11688.105469", "-0.250000", "-0.000000", "16777216.000000"],
    "image names": [f"{i:06d}@a/b.mrcs" for i in (9, 10, 3, 99999, 1)],
    "a joint at the edge": ["@a", "b@", "c@d@e", "@", "1@2"],
    "leading zeros": ["007", "010", "100", "000", "999"],
    "other widths": ["07", "7", "+7", "7.", ".7"],
    "too many digits": ["12345678901234567890", "0.12345678901234567890", "1", "2", "3"],
    "no numbers": ["nan", "None", "", 'a "b"', "µ\U0001f600"],
    "the same": ["1.50"] * 5,
    "follow on another": ["8.019324", "7.35314", "8.403454", "20.000000", "-94.30296"],
}


def back(table: pd.DataFrame) -> pd.DataFrame:
    return decode_tables(encode_tables({"particles": table}), len(table))["particles"]


def words(columns: dict[str, list[str]]) -> pd.DataFrame:
    return pd.DataFrame({name: pd.array(column, dtype=TEXT) for name, column in columns.items()})


@pytest.mark.parametrize("times", [1, 100])
def test_words_come_back_as_they_were_written(times: int) -> None:
    table = words({name: column * times for name, column in WORDS.items()})
    optics = words({"rlnVoltage": ["300.0"], "rlnOpticsGroupName": ["one"]})
    both = decode_tables(encode_tables({"particles": table, "optics": optics}), len(table))
    pd.testing.assert_frame_equal(both["particles"], table, check_exact=True)
    pd.testing.assert_frame_equal(both["optics"], optics, check_exact=True)


WORD = st.text("0123456789.-+e@ nµ", max_size=12) | st.floats().map(repr) | st.decimals(places=6, allow_nan=False).map(str)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(WORD, WORD, st.integers(-(2**63), 2**63 - 1).map(str)), min_size=1, max_size=12))
def test_any_words_come_back(rows: list[tuple[str, ...]]) -> None:
    table = words({str(i): list(column) for i, column in enumerate(zip(*rows, strict=True))})
    pd.testing.assert_frame_equal(back(table), table, check_exact=True)


def test_singles_to_six_decimals_take_no_more_than_singles_with_all_digits() -> None:
    values = random.uniform(5000, 30000, 500).astype(np.float32).astype(float)
    fixed, whole = (words({"rlnDefocusU": list(map(each, values.tolist()))}) for each in ("{:.6f}".format, repr))
    for table in (fixed, rounded(whole, 6), rounded(whole, 3)):
        assert len(encode_tables({"particles": table})) <= len(encode_tables({"particles": whole})) + 40
        pd.testing.assert_frame_equal(back(table), table, check_exact=True)


def test_numbers_come_back_value_for_value() -> None:
    made = back(VALUES)
    assert made["objects"].dtype == object
    pd.testing.assert_frame_equal(made, VALUES, check_exact=True)
    assert np.signbit(made["strange"]).tolist() == np.signbit(VALUES["strange"]).tolist()


def test_a_table_without_columns_or_rows_keeps_what_it_has() -> None:
    assert back(pd.DataFrame(index=pd.RangeIndex(9))).shape == (9, 0)
    assert list(back(words({"rlnAngleRot": []}))) == ["rlnAngleRot"]


def test_what_numbers_say_is_all_that_they_take() -> None:
    # 10 to the 9th in a column is 30 bits; the second column is the first less a constant; names are counted.
    digits = random.integers(0, 10**9, 2000)
    table = words(
        {
            "rlnImageName": [f"{i + 1:06d}@particles.mrcs" for i in range(2000)],
            "rlnDefocusU": [f"{d / 1e6:.6f}" for d in digits],
            "rlnDefocusV": [f"{(d + 3_500_000) / 1e6:.6f}" for d in digits],
        }
    )
    assert len(encode_tables({"particles": table})) < 2000 * 30 / 8 * 1.03 + 400


def test_tables_are_rounded_where_they_are_asked_to_be() -> None:
    table = words(
        {"rlnAngleRot": ["1.23456", "-0.0001", "7.25"], "rlnImageName": ["1@1.23456"] * 3, "rlnGroup": ["7", "8", "9"]}
    )
    made = rounded(table, 3)
    assert made["rlnAngleRot"].tolist() == ["1.235", "0.000", "7.25"]
    pd.testing.assert_frame_equal(made.drop(columns="rlnAngleRot"), table.drop(columns="rlnAngleRot"))
    assert rounded(pd.DataFrame({"a": [1.23456]}), 3)["a"].tolist() == [1.235]


def test_bytes_that_lie_are_refused() -> None:
    good = encode_tables({"particles": VALUES})
    for wrong in (good[:-9], b"no", lzma.compress(bytes(2**27))):
        with pytest.raises(ValueError, match=r"compressed|memory"):
            decode_tables(wrong, 50)
    with pytest.raises(ValueError, match="rows"):
        decode_tables(good, 49)


def test_a_word_that_would_fill_the_memory_is_refused() -> None:
    text = json.dumps(["a" * 10**6]).encode()
    column = {"name": "a", "type": "words", "form": "words", "bytes": len(text), "which": {}}
    header = json.dumps({"particles": {"rows": 10**6, "columns": [column] * 20}}).encode()
    packed = lzma.compress(len(header).to_bytes(4, "little") + header + text * 20)
    with pytest.raises(ValueError, match="memory"):
        decode_tables(packed, 10**6)
