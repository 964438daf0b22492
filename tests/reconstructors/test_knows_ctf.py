"""What a method's settings say of CTFs, without a model being opened, is what the method does."""

from pathlib import Path

import pytest

from cryosense.denoisers import CleanGaussianFromImages, GaussianFromImages, open_ddpm
from cryosense.reconstructors import Posterior, PseudoInverse, Sampler, Unrolled
from cryosense.reconstructors.unrolled import ToldNetwork, UnrolledNetwork, save_solver
from cryosense.solvers.posterior import pigdm


@pytest.mark.parametrize("prior", [CleanGaussianFromImages(), GaussianFromImages()])
@pytest.mark.parametrize("sampler", ["stationary", "ddnm"])
@pytest.mark.parametrize("first", [None, 500])
def test_of_samplers(prior: GaussianFromImages, sampler: str, first: int | None) -> None:
    way = Posterior(prior, sampler=Sampler(sampler, pigdm), first_timestep=first)
    settings = {"denoiser": type(prior), "sampler": {"name": sampler}, "first_timestep": first}
    assert Posterior.knows_ctf_with(settings) == way.knows_ctf
    assert not Posterior.knows_ctf_with(settings | {"denoiser": open_ddpm})


def test_of_learned_solvers(tmp_path: Path) -> None:
    for name, solver, told in (
        ("told", ToldNetwork(1, 2, 2), True),
        ("untold", ToldNetwork(1, 2, 2), False),
        ("other", UnrolledNetwork(1, 2), True),
    ):
        save_solver(tmp_path / name, solver, "FourierSampling", "clean", ctf=told)
        (tmp_path / name / "cryosense.json").write_text('{"scaling": {}}')
        path = str(tmp_path / name)
        assert Unrolled.knows_ctf_with({"path": path}) == Unrolled(path).knows_ctf == (name == "told")
    assert Unrolled.knows_ctf_with({}) == Unrolled().knows_ctf


def test_of_the_others() -> None:
    assert not PseudoInverse.knows_ctf_with({})
