"""The loops over one particle's levels of an entropy coder whose model depends on the levels before, compiled by numba.

The same algorithm and words as those of ``constriction``'s coder. Imported on first use.
"""

from __future__ import annotations

import numpy as np

from cryosense.compiling import compiled

WORD, PRECISION, ROOM = np.uint64(32), np.uint64(24), np.uint64(40)
LOW_WORD, LOW_BITS = np.uint64(0xFFFFFFFF), np.uint64(0xFFFFFF)


@compiled
def put_words(levels, shares, starts, words, state, top):  # type: ignore[no-untyped-def]
    """Code ``levels`` (m,) onto a stack: ``state`` (1,) uint64 and the first ``top`` (1,) int64 of ``words`` uint32.

    ``shares`` and ``starts``, (2K,) uint64, are the model: how many of 2^24 each level has, and where these begin.
    """
    held, filled = state[0], top[0]
    for i in range(len(levels) - 1, -1, -1):
        share = shares[levels[i]]
        if held >> ROOM >= share:
            words[filled] = held & LOW_WORD
            held, filled = held >> WORD, filled + 1
        held = ((held // share) << PRECISION) | (starts[levels[i]] + held % share)
    state[0], top[0] = held, filled


@compiled
def take_words(words, state, top, shares, starts, after, levels):  # type: ignore[no-untyped-def]
    """Invert ``put_words``. Which quantiser a level is of follows from those before it: that of an even state is the even one.

    ``after`` (states, 2) int64 has the states after an even and after an odd level.
    """
    held, filled = state[0], top[0]
    of_one, node = len(shares) // 2, 0
    for i in range(len(levels)):
        place = held & LOW_BITS
        low = (node & 1) * of_one
        high = low + of_one - 1
        while low < high:  # the last level that begins no later
            middle = (low + high + 1) // 2
            if starts[middle] <= place:
                low = middle
            else:
                high = middle - 1
        levels[i] = low
        held = (held >> PRECISION) * shares[low] + (place - starts[low])
        if held >> WORD == 0 and filled > 0:
            filled -= 1
            held = (held << WORD) | np.uint64(words[filled])
        node = after[node, (low % of_one - of_one // 2) & 1]
    state[0], top[0] = held, filled
