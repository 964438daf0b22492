"""Constants of the algorithms are checked where they are stated."""

import pytest

from cryosense.reconstructors import ADMM


@pytest.mark.parametrize(("relaxation", "penalty"), [(0.0, 0.7), (2.0, 0.7), (1.7, 0.0), (1.7, float("nan"))])
def test_constants_that_cannot_converge_are_refused(relaxation: float, penalty: float) -> None:
    with pytest.raises(ValueError, match=r"^relaxation=.*penalty="):
        ADMM(relaxation, penalty)
