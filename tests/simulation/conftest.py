"""A small simulator of three conformations."""

import pytest

from cryosense.simulation.builtin import HingedChain
from cryosense.simulation.microscope import Microscope
from cryosense.simulation.noise import WhiteNoise
from cryosense.simulation.particles import ParticleSimulator


@pytest.fixture(scope="session")
def microscope() -> Microscope:
    return Microscope(300.0, 2.7, 0.1, 0.0, 80.0, [8000.0, 20000.0], 300.0, 200.0, 10)


@pytest.fixture(scope="session")
def molecule() -> HingedChain:
    return HingedChain(0, 14.0, [0.0, 20.0, 40.0])


@pytest.fixture(scope="session")
def simulator(molecule: HingedChain, microscope: Microscope) -> ParticleSimulator:
    return ParticleSimulator(molecule, microscope, WhiteNoise(), 32, 7.0, 7.0, 0.2, 3, 2)
