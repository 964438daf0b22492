"""Particles that share pixels share a half set, whatever says that they do; what a file divides itself is refused or told."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import starfile
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cryosense.data import ParticleDataError, ParticleStack
from cryosense.metrics import fsc
from cryosense.tasks.maps.alignments import Alignments
from cryosense.tasks.maps.half_sets import HalfSets, _alternating
from cryosense.volumes.backproject import SliceAccumulator, Slices
from tests.tasks.stacks import BOX, COUNT, PIXEL, write_stack

NEAR = BOX * PIXEL / 4


def table(folder: Path, rows: list[int], own_split: bool = False, **columns: object) -> ParticleStack:
    """-> the particles ``rows`` of a stack, with columns added."""
    star = write_stack(folder)
    blocks = starfile.read(star, always_dict=True)
    particles = blocks["particles"].iloc[rows].reset_index(drop=True).assign(**columns)
    blocks["particles"] = particles if own_split else particles.drop(columns="rlnRandomSubset")
    starfile.write(blocks, star, overwrite=True)
    return ParticleStack.open(star)


def test_particles_that_share_nothing_alternate(tmp_path: Path) -> None:
    assert HalfSets.of_stack(table(tmp_path, list(range(COUNT)))).of.tolist() == [i % 2 for i in range(COUNT)]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 6), min_size=1, max_size=40))
def test_sets_stay_whole_and_halves_even(codes: list[int]) -> None:
    together = pd.factorize(np.array(codes))[0]
    half = _alternating(together)
    assert all(len(set(half[together == code])) == 1 for code in set(together))
    assert abs(int((half == 0).sum()) - int((half == 1).sum())) <= np.bincount(together).max()


PIXELS = {"rlnMicrographPixelSize": 2.0}
FAR = [[1000.0 * i, 0.0] for i in range(4)]


@pytest.mark.parametrize(
    ("rows", "columns"),
    [
        ([0, 1, 2, 0], {}),
        ([0, 1, 2, 3], {"rlnImageOriginalName": ["1@a.mrcs", "2@a.mrcs", "3@a.mrcs", "1@a.mrcs"]}),
        ([0, 1, 2, 3], {"xy": [FAR[0], FAR[1], FAR[2], [0.0, 0.9 * NEAR / 2]], "rlnMicrographPixelSize": 2.0}),
        ([0, 1, 2, 3], {"xy": [FAR[0], FAR[1], FAR[2], [0.9 * NEAR / PIXEL, 0.0]]}),
        ([0, 1, 2, 3], {"xy": FAR, "rlnHelicalTubeID": [1, 2, 3, 1]}),
    ],
    ids=["one image", "one original image", "near", "near, particle pixels", "one filament"],
)
def test_what_is_tied_is_not_divided(tmp_path: Path, rows: list[int], columns: dict[str, object]) -> None:
    """Alternating, particles 0 and 3 would be in different halves; in another micrograph the same places tie nothing."""
    xy = columns.pop("xy", None)
    if xy is not None:
        columns |= {"rlnCoordinateX": [x for x, _ in xy], "rlnCoordinateY": [y for _, y in xy], "rlnMicrographName": "m.mrc"}
    half = HalfSets.of_stack(table(tmp_path / "ours", rows, **columns)).of
    assert half[0] == half[3]
    if xy is not None:
        elsewhere = columns | {"rlnMicrographName": ["a.mrc", "b.mrc", "c.mrc", "d.mrc"]}
        assert HalfSets.of_stack(table(tmp_path / "apart", rows, **elsewhere)).of.tolist() == [0, 1, 0, 1]
    given_apart = columns | {"rlnRandomSubset": [1, 2, 1, 2]}
    if xy is None:
        with pytest.raises(ParticleDataError, match="2 particles are in the table more than once, in both half sets"):
            HalfSets.of_stack(table(tmp_path / "theirs", rows, own_split=True, **given_apart))
    else:
        (said,) = HalfSets.of_stack(table(tmp_path / "theirs", rows, own_split=True, **given_apart)).warnings
        assert re.match("rlnRandomSubset: .* share noise across half sets, .*: 2 share a (place|filament)", said)


def test_nothing_is_left_for_the_other_half(tmp_path: Path) -> None:
    with pytest.raises(ParticleDataError, match=r"no particle is in half set 2 \(1 sets of particles that share pixels\)"):
        HalfSets.of_stack(table(tmp_path, [4, 4, 4]))


def test_noise_that_stands_in_the_table_twice_has_no_resolution(tmp_path: Path) -> None:
    stack = table(tmp_path, [i // 2 for i in range(2 * COUNT)])
    alignments = Alignments.of(stack, with_ctf=True)
    rows = torch.arange(len(stack))
    terms = alignments.slices(stack[rows][:, 0], rows, None)
    halves = []
    for number in (0, 1):
        chosen, sums = alignments.half_set == number, SliceAccumulator(BOX, 2)
        sums.insert(Slices(terms.numerator[chosen], terms.weight[chosen]), alignments.rotations(rows)[chosen])
        halves.append(sums.volume(1e-3))
    assert fsc(*halves)[2 : BOX // 2].abs().mean() < 0.25
