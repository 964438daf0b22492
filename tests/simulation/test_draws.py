"""Draws keyed by seed, purpose and index."""

import torch

from cryosense.simulation.draws import Purpose, normals, uniforms


def test_a_row_depends_on_its_key_alone() -> None:
    rows = normals(7, Purpose.NOISE, range(20), (5,))
    torch.testing.assert_close(normals(7, Purpose.NOISE, [13, 4], (5,)), rows[[13, 4]], rtol=0, atol=0)
    assert not torch.equal(normals(8, Purpose.NOISE, range(20), (5,)), rows)
    assert not torch.equal(normals(7, Purpose.POSE, range(20), (5,)), rows)
    # Keys are 64 bits wide: a seed that differs in the upper half is another seed.
    assert not torch.equal(normals(7 + 2**32, Purpose.NOISE, range(20), (5,)), rows)


def test_neighbouring_keys_are_independent() -> None:
    rows = normals(0, Purpose.NOISE, range(200), (1000,)).double()
    correlation = torch.corrcoef(rows) - torch.eye(200)
    assert correlation.abs().max() < 0.17  # 5.4 deviations of 1 / sqrt(1000), for 19,900 pairs
    assert abs(float(rows.var()) - 1) < 0.015
    flat = uniforms(0, Purpose.STATE, range(4000), 1).flatten().sort().values
    assert (flat - torch.linspace(0, 1, 4000)).abs().max() < 0.03
