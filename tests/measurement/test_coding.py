"""Levels to bytes and back; sizes against the empirical entropy; bytes that were not coded are refused."""

import numpy as np
import pytest

from cryosense.measurement.coding import CodingError, EntropyCoder, frequencies, pack, packed_bytes, unpack
from cryosense.measurement.quantisers.codebook import entropy_bits, uniform


@pytest.mark.parametrize("bits", [1, 2, 3, 4, 5, 8, 11])
@pytest.mark.parametrize("count", [1, 7, 16, 1001])
def test_packed_levels_come_back(bits: int, count: int) -> None:
    levels = np.random.default_rng(bits).integers(0, 2**bits, (3, count))
    packed = pack(levels, bits)
    assert packed.shape == (3, packed_bytes(count, bits))
    assert np.array_equal(unpack(packed, bits, count), levels)


def test_packed_bits_are_the_highest_first() -> None:
    assert pack(np.array([1, 0, 1]), 1).tolist() == [0b10100000]
    assert pack(np.array([1, 2, 3]), 2).tolist() == [0b01101100]
    assert pack(np.array([1, 2]), 3).tolist() == [0b00101000]


@pytest.mark.parametrize("step", [0.3, 0.8, 2.0])
def test_coded_levels_come_back_in_hardly_more_than_their_entropy(step: float) -> None:
    book = uniform(step, 12.0, dither=False)
    y = np.random.default_rng(0).standard_normal((40, 4096))
    levels = np.searchsorted(book.edges, y).astype(np.int32)
    counts = np.bincount(levels.flatten(), minlength=book.levels)
    coder = EntropyCoder([frequencies(counts)])
    coded = [coder.encode([row]) for row in levels]
    assert all(np.array_equal(coder.decode(c, [4096])[0], row) for c, row in zip(coded, levels, strict=True))
    assert 8 * sum(map(len, coded)) < 1.03 * levels.size * entropy_bits(counts / counts.sum())


def test_segments_have_models_of_their_own() -> None:
    random = np.random.default_rng(1)
    segments = [random.integers(0, n, m).astype(np.int32) for n, m in ((5, 30), (2, 0), (200, 7))]
    coder = EntropyCoder([frequencies(np.ones(n)) for n in (5, 2, 200)])
    back = coder.decode(coder.encode(segments), [30, 0, 7])
    assert all(np.array_equal(a, b) for a, b in zip(back, segments, strict=True))


def test_the_bytes_are_those_of_every_machine_and_follow_the_rule_of_the_format() -> None:
    table = frequencies(np.array([1, 5, 2]))
    coded = EntropyCoder([table]).encode([np.arange(40, dtype=np.int32) % 3])
    assert coded.hex() == "0000c0f0103f1ea3209e41b3"
    words, starts, levels = np.frombuffer(coded, "<u4").tolist(), np.cumsum([0, *table]).tolist(), []
    state = words.pop() << 32 | words.pop()
    for _ in range(40):
        place = state % 2**24
        level = int(np.searchsorted(starts, place, side="right")) - 1
        levels.append(level)
        state = (state >> 24) * int(table[level]) + place - starts[level]
        if state < 2**32 and words:
            state = state << 32 | words.pop()
    assert levels == [i % 3 for i in range(40)]


def test_bytes_that_were_not_coded_are_refused() -> None:
    coder = EntropyCoder([frequencies(np.ones(4))])
    coded = coder.encode([np.arange(100, dtype=np.int32) % 4])
    for wrong in (coded[:-3], coded + b"\0\0\0\0", coded + coded[:4]):
        with pytest.raises(CodingError):
            coder.decode(wrong, [100])
    with pytest.raises(CodingError, match="add up"):
        EntropyCoder([np.array([1, 2, 3])])
