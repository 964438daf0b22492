"""Constants of the algorithms: checked where they are stated, chosen by the prior where the weight is large."""

import pytest
import torch

from cryosense.operators import FourierSampling, masks
from cryosense.priors import DCT, L1
from cryosense.reconstructors import ADMM


@pytest.mark.parametrize(("relaxation", "penalty"), [(0.0, 0.7), (2.0, 0.7), (1.7, 0.0), (1.7, float("nan"))])
def test_constants_that_cannot_converge_are_refused(relaxation: float, penalty: float) -> None:
    with pytest.raises(ValueError, match=r"^relaxation=.*penalty="):
        ADMM(relaxation, penalty)


def test_a_large_weight_takes_fewer_iterations_with_the_penalty_of_the_prior() -> None:
    """... and the minimum is the same."""
    operator = FourierSampling(masks.radial(32, 0.4, sectors=20, symmetric=True, seed=0))
    y = operator(0.25 * torch.randn(4, 1, 32, 32, generator=torch.Generator().manual_seed(0)))
    by_prior, fixed = (ADMM(penalty=each, check_every=1).minimise(L1(DCT()), y, operator, 1.0) for each in (None, 0.7))
    assert int(by_prior.iterations.sum()) < int(fixed.iterations.sum())
    torch.testing.assert_close(by_prior.x, fixed.x, atol=1e-3, rtol=0)
