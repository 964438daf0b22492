"""The loops over one particle's numbers of which a trellis makes levels, compiled by numba. Imported on first use.

A level is one of 2K: the first K of the even quantiser, the others of the odd one. See ``quantisers.trellis``.
"""

from __future__ import annotations

import numpy as np

from cryosense.compiling import compiled

OUT_OF_REACH = np.float32(1e30)


@compiled
def choose(y, first, scale, nearest, costs, before, branches, levels):  # type: ignore[no-untyped-def]
    """Write the ``levels`` (m,) int32 of numbers y (m,) float32 that cost least in error and price: Viterbi's algorithm.

    ``nearest`` (4, bins) int32 has the level that each kind of branch takes for a number in the bin ``(y - first) scale``, in
    the outer bins also for those beyond; ``costs`` (2, 2K) float32 has values and prices of levels; ``before`` and
    ``branches`` (states, 2) int64 have the two states before each, and the kinds of the branches from there.
    """
    count, states, last = len(y), len(before), nearest.shape[1] - 1
    cost, new, best = np.full(states, OUT_OF_REACH), np.zeros(states, np.float32), np.zeros(4, np.float32)
    second, places = np.zeros((count, states), np.uint8), np.zeros(count, np.int64)
    cost[0] = 0
    for i in range(count):
        place = min(max(int(np.floor((y[i] - first) * scale)), 0), last)
        places[i] = place
        for kind in range(4):
            error = y[i] - costs[0, nearest[kind, place]]
            best[kind] = error * error + costs[1, nearest[kind, place]]
        least = OUT_OF_REACH
        for state in range(states):
            one = cost[before[state, 0]] + best[branches[state, 0]]
            other = cost[before[state, 1]] + best[branches[state, 1]]
            second[i, state] = other < one
            new[state] = min(one, other)
            least = min(least, new[state])
        for state in range(states):
            cost[state] = new[state] - least
    state = int(np.argmin(cost))
    for i in range(count - 1, -1, -1):
        came = second[i, state]
        levels[i] = nearest[branches[state, came], places[i]]
        state = before[state, came]
