"""Every method obeys the laws of a reconstructor, and what does not is told which law it breaks."""

import copy

import pytest
import torch

from cryosense.denoisers import GaussianFromImages
from cryosense.laws import LawError
from cryosense.measurement import Measurement, OperatorDesign, acquire
from cryosense.operators import Each, FourierSampling, PixelMasking, masks
from cryosense.operators.signed_binning import SignedBinning
from cryosense.priors import DCT, L1, TotalVariation
from cryosense.reconstructors import (
    ADMM,
    Estimate,
    Posterior,
    PseudoInverse,
    Reconstructor,
    Sparse,
    Unrolled,
    Wiener,
    ZeroFilled,
)
from cryosense.reconstructors.checks import check_reconstructor, measured
from tests.devices import WHERE_LAWS_HOLD
from tests.reconstructors.sampling_networks import small

FEW = ADMM(max_iterations=6, tolerance=1e-2, check_every=2)
METHODS: dict[str, Reconstructor] = {
    "zero_filled": ZeroFilled(),
    "pinv": PseudoInverse(),
    "wiener": Wiener(),
    "dct": Sparse(L1(DCT()), 0.1, FEW),
    "tv": Sparse(TotalVariation(), 0.1, FEW),
    "unrolled": Unrolled(),
    "learned_posterior": small(samples=2),
    "posterior": Posterior(GaussianFromImages(), network_evaluations=2),
}


@pytest.fixture(autouse=True, scope="module")
def fitted() -> None:
    images = PseudoInverse()(measured(32, 1)).x
    for method in METHODS.values():
        method.fit(images, images)


@pytest.mark.parametrize("name", METHODS)
@WHERE_LAWS_HOLD
def test_they_obey_the_laws(name: str, device: str) -> None:
    somewhere = torch.device(device)
    check_reconstructor(copy.deepcopy(METHODS[name]).to(somewhere), measured(32, 0).to(somewhere))


@pytest.mark.parametrize("name", [name for name in METHODS if name not in ("unrolled", "learned_posterior")])
@pytest.mark.parametrize("own", [False, True], ids=["shared", "own"])
@WHERE_LAWS_HOLD
def test_on_an_operator_of_which_nothing_is_known(name: str, own: bool, device: str) -> None:
    """Forward and adjoint only, no masks."""
    design = OperatorDesign(SignedBinning, "signed_binning", 16.0, per_particle=own)
    images = PseudoInverse()(measured(32, 2)).x
    somewhere = torch.device(device)
    measurement = acquire(images, torch.arange(4), design).to(somewhere)
    check_reconstructor(copy.deepcopy(METHODS[name]).to(somewhere), measurement)


def test_a_broken_law_is_named() -> None:
    class Batchwise(PseudoInverse):
        def forward(self, measurement: Measurement) -> Estimate:
            x = super().forward(measurement).x
            return Estimate(x - x.mean())

    with pytest.raises(LawError, match="neighbours"):
        check_reconstructor(Batchwise())

    class Counting(PseudoInverse):
        calls = 0

        def forward(self, measurement: Measurement) -> Estimate:
            self.calls += 1
            return Estimate(super().forward(measurement).x + self.calls)

    with pytest.raises(LawError, match="the same again"):
        check_reconstructor(Counting())

    class Bare(PseudoInverse):
        def forward(self, measurement: Measurement) -> Estimate:
            return super().forward(measurement).x  # type: ignore[return-value]

    with pytest.raises(LawError, match="an Estimate, not a Tensor"):
        check_reconstructor(Bare())


def test_defaults_are_enough() -> None:
    """Five lines: an image, a mask, a measurement, a prior."""
    image = torch.zeros(1, 1, 64, 64)
    image[..., 20:44, 16:48] = 1.0
    operator = FourierSampling(masks.radial(64, 0.4))
    found = Sparse(TotalVariation(), weight=0.1)(operator(image), operator).x
    assert float((found - image).square().mean()) < 0.8 * float((operator.pinv(operator(image)) - image).square().mean())


def test_objects_say_what_they_are() -> None:
    pixel = PixelMasking(masks.random_binary(16, 2), 4)
    assert "box_size=16" in repr(pixel)
    assert "mask_sets=3" in repr(Each(SignedBinning(16) for _ in range(3)))
    assert "weight=0.1" in repr(METHODS["tv"])
    assert "isotropic=True" in repr(METHODS["tv"])
    assert "network_evaluations=2" in repr(METHODS["posterior"])
