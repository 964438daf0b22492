"""On a device a reconstruction waits only where it asks whether to stop, and launches no more for more images."""

import copy
from collections import Counter
from collections.abc import Callable

import pytest
import torch

from cryosense.measurement import FourierDesign, Measurement, PixelDesign, acquire
from cryosense.priors import DCT, L1, TotalVariation, Wavelet
from cryosense.reconstructors import ADMM, FISTA, Reconstructor, Sampler, Sparse
from cryosense.reconstructors.methods import Method
from cryosense.reconstructors.samplers import jacobian_covariance, scalar_covariance, stationary_covariance
from cryosense.solvers.posterior import ddnm, diffpir, dps, nesterov, pigdm
from tests.launches import counted
from tests.pretended_device import pretended
from tests.reconstructors.test_chunks import METHODS, NOISE, images, methods, posterior

FEW = torch.arange(16)
DOMAINS = {"pixel": PixelDesign(), "Fourier": FourierDesign()}
ITERATIONS, MORE, EVERY = 10, 20, 5
SOLVES = 3  # iterations of a system in each sampling step, none of which is the last

PRIORS = {"tv": TotalVariation(), "anisotropic": TotalVariation(False), "dct": L1(DCT()), "haar": L1(Wavelet())}
SOLVERS: dict[str, Callable[[int], Sparse]] = {
    name: lambda most, prior=prior: Sparse(prior, 0.1, _endless(ADMM, most)) for name, prior in PRIORS.items()
}
SOLVERS["dct fista"] = lambda most: Sparse(L1(DCT()), 0.1, _endless(FISTA, most))
SAMPLERS = {f.__name__: (Sampler(f.__name__, f), 0) for f in (ddnm, diffpir, dps, nesterov)}
SAMPLERS["pigdm"] = Sampler("pigdm", pigdm, scalar_covariance), 0


def _endless(method: type[ADMM | FISTA], most: int) -> Method:
    return method(tolerance=0.0, max_iterations=most, check_every=EVERY)


def _systems(covariance: Callable[..., object]) -> Sampler:
    return Sampler("systems", pigdm, lambda gaussian: covariance(gaussian, tolerance=0.0, max_iterations=SOLVES))


def waits(method: Reconstructor, measured: Measurement) -> Counter[str]:
    """-> of a reconstruction, the second one on the device, which finds what belongs to the masks."""
    with pretended() as device:
        there, moved = copy.deepcopy(method).to(device), copy.deepcopy(measured).to(device)
        there(moved)
        with counted() as made:
            there(moved)
    return made.waiting


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("name", SOLVERS)
def test_a_solver_waits_only_where_it_checks(name: str, domain: str) -> None:
    measured = acquire(images()[FEW], FEW, DOMAINS[domain], NOISE)
    few, more = (waits(SOLVERS[name](most), measured) for most in (ITERATIONS, MORE))
    assert more - few == Counter(_local_scalar_dense=(MORE - ITERATIONS) // EVERY)


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("name", [*SAMPLERS, "stationary", "jacobian"])
def test_a_sampling_step_waits_only_where_it_checks(name: str, domain: str) -> None:
    # What Fourier masks measure is filtered coefficient by coefficient: nothing is iterated.
    systems = {"stationary": (_systems(stationary_covariance), SOLVES if domain == "pixel" else 0)}
    systems["jacobian"] = _systems(jacobian_covariance), SOLVES
    sampler, checks = (SAMPLERS | systems)[name]
    measured = acquire(images()[FEW], FEW, DOMAINS[domain], NOISE)
    found = []
    for evaluations in (2, 5):
        method = posterior(sampler)
        method.network_evaluations = evaluations
        found.append(waits(method, measured))
    assert found[1] - found[0] == Counter(_local_scalar_dense=3 * checks) + Counter()


@pytest.mark.parametrize("domain", DOMAINS)
def test_more_images_are_no_more_launches(domain: str) -> None:
    measured = acquire(images()[FEW], FEW, DOMAINS[domain], NOISE)
    grown = []
    for name in METHODS:
        with pretended() as device:
            method, moved = copy.deepcopy(methods()[name]).to(device), copy.deepcopy(measured).to(device)
            method(moved)  # which finds what belongs to the masks
            launches = []
            for repeats in (1, 3):
                part = moved.part(FEW.repeat(repeats).to(device))
                with counted() as made:
                    method(part)
                launches.append(made.launches)
        grown += [f"{name}: {launches}"] if launches[0] != launches[1] else []
    assert grown == []
