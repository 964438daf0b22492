"""The short run: spoiled files are opened or refused by name. ``python -m tests.fuzz.run`` is the long one."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.measurement_targets import MEASUREMENTS
from tests.fuzz.more_targets import MORE
from tests.fuzz.mutations import KINDS, Mutation, apply
from tests.fuzz.targets import TARGETS, Target
from tests.fuzz.trial import finding

MUTATIONS = st.lists(
    st.builds(
        Mutation,
        kind=st.integers(0, len(KINDS) - 1),
        where=st.floats(0, 1, exclude_max=True),
        value=st.integers(0, 2**16 - 1),
        length=st.integers(1, 40),
    ),
    min_size=1,
    max_size=5,
)
EXAMPLES = 12


@pytest.mark.parametrize("target", [*TARGETS, *MORE, *MEASUREMENTS], ids=lambda target: target.name)
def test_spoiled_files_are_opened_or_refused(target: Target, tmp_path: Path) -> None:
    path, seeds = target.place(tmp_path / target.name), target.seeds()
    for content in seeds:
        assert finding(target, path, content) is None
        if target.complete:
            target.load(path)  # not refused

    @settings(max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(seed=st.integers(0, len(seeds) - 1), mutations=MUTATIONS)
    def holds(seed: int, mutations: list[Mutation]) -> None:
        assert finding(target, path, apply(seeds[seed], mutations)) is None

    holds()
