"""The picture of advice: no scheme of the table is left out of it."""

import numpy as np
import pandas as pd

from cryosense.reporting.figures.advice import draw_advice
from cryosense.tasks.advise.keeping import Keeping
from cryosense.tasks.advise.schemes import RESOLVED, ladder
from tests.tasks.advise.test_predictions import signal


def test_every_scheme_of_the_table_is_drawn() -> None:
    schemes = ladder(Keeping(signal(2000)), {RESOLVED: 28, "all shells": 32, "resolved without a mask": 20})
    table = pd.DataFrame({"measured": [each.kind for each in schemes], "scheme": [each.name for each in schemes]})
    table["bytes_per_particle"] = 100.0 + np.arange(len(table))
    shares = ["equivalent_particles_share", "resolution_unmasked_angstrom", "resolution_masked_angstrom"]
    upper, lower = draw_advice(table.assign(**dict.fromkeys(shares, 0.5)), pd.DataFrame(), {}, "").axes
    drawn = [{float(x) for line in axes.lines for x in np.atleast_1d(line.get_xdata())} for axes in (upper, lower)]
    assert set(table["bytes_per_particle"]) <= drawn[0]
    points = table["measured"].str.startswith(("signs", "flat masks"))  # shares only: their resolution is that of the table
    assert set(table["bytes_per_particle"][~points]) <= drawn[1]
