"""Every prior obeys the laws of a prior, and what does not is told which law it breaks."""

import pytest
import torch
from torch import Tensor

from cryosense.laws import LawError
from cryosense.priors import DCT, L1, Prior, TotalVariation, Wavelet
from cryosense.priors.checks import check_prior
from tests.devices import WHERE_LAWS_HOLD

PRIORS: dict[str, Prior] = {
    "dct": L1(DCT()),
    "dct, coarse": L1(DCT(), penalise_coarse=True),
    "haar": L1(Wavelet()),
    "db4": L1(Wavelet("db4", 1)),
    "isotropic": TotalVariation(),
    "anisotropic": TotalVariation(isotropic=False),
}


@pytest.mark.parametrize("prior", PRIORS.values(), ids=PRIORS)
@pytest.mark.parametrize("box_size", [16, 24])
@WHERE_LAWS_HOLD
def test_they_obey_the_laws(prior: Prior, box_size: int, device: str) -> None:
    check_prior(prior, box_size, device=device)


def test_a_broken_law_is_named() -> None:
    class Square(Prior):
        """Psi(x) = |x|^2 / 2, with the prox of another function."""

        name = "square"

        def forward(self, x: Tensor) -> Tensor:
            return x.square().flatten(1).sum(1) / 2

        def prox(self, x: Tensor, step: float | Tensor) -> Tensor:
            return x / (1 + 3 * step)

    with pytest.raises(LawError, match="least of step Psi"):
        check_prior(Square())

    class Nameless(Square):
        name = None  # type: ignore[assignment]

    with pytest.raises(LawError, match="name"):
        check_prior(Nameless())

    class Concave(Square):
        def forward(self, x: Tensor) -> Tensor:
            return -x.square().flatten(1).sum(1)

    with pytest.raises(LawError, match="convex"):
        check_prior(Concave())

    class Batchwise(Square):
        def prox(self, x: Tensor, step: float | Tensor) -> Tensor:
            return (x - x.mean(0, keepdim=True)) / (1 + step)

    with pytest.raises(LawError, match="neighbours"):
        check_prior(Batchwise())


def test_a_size_is_met_when_it_is_met() -> None:
    prior = L1(Wavelet(levels=3))
    for n in (16, 40):
        x = torch.randn(1, 1, n, n, generator=torch.Generator().manual_seed(0))
        assert prior.prox(x, 0.1).shape == x.shape
    with pytest.raises(ValueError, match="levels=3: a box of 20 px allows 1 to 2"):
        prior.prepare(20)


@pytest.mark.parametrize("prior", PRIORS.values(), ids=PRIORS)
@pytest.mark.parametrize("scale", [0.5, 0.95, 1.05, 2.0])
def test_a_prox_of_another_step_is_told(prior: Prior, scale: float) -> None:
    class Scaled(Prior):
        name = "scaled"

        def forward(self, x: Tensor) -> Tensor:
            value: Tensor = prior(x)
            return value

        def prox(self, x: Tensor, step: float | Tensor) -> Tensor:
            return prior.prox(x, scale * step)

    with pytest.raises(LawError, match=r"that of its step: .* moving (less|more)"):
        check_prior(Scaled())


def test_what_is_convex_only_in_small_steps_is_told() -> None:
    class Root(Prior):
        """The sum of the roots of sizes: concave along every ray, which two random images do not show."""

        name = "root"

        def forward(self, x: Tensor) -> Tensor:
            return x.abs().sqrt().flatten(1).sum(1)

        def prox(self, x: Tensor, step: float | Tensor) -> Tensor:
            return x

    with pytest.raises(LawError, match="convex"):
        check_prior(Root())
