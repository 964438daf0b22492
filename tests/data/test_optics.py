"""Optics groups from columns that particles share."""

import pandas as pd

from cryosense.data.optics import split_optics


def test_groups_in_order_of_appearance_and_constants_move() -> None:
    table = pd.DataFrame({"rlnDefocusU": [1, 2, 3, 4], "rlnVoltage": [300, 200, 300, 300], "exposure": [5, 5, 6, 5]})
    particles, optics = split_optics(table, ["exposure"])
    assert particles.to_dict("list") == {"rlnDefocusU": [1, 2, 3, 4], "rlnOpticsGroup": [1, 2, 3, 1]}
    assert optics["rlnVoltage"].tolist() == [300, 200, 300]
    assert optics["rlnOpticsGroup"].tolist() == [1, 2, 3]


def test_without_constants_there_is_no_table() -> None:
    particles, optics = split_optics(pd.DataFrame({"rlnAngleRot": [1.0]}), [])
    assert optics is None
    assert list(particles.columns) == ["rlnAngleRot"]
