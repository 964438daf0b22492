"""Saved solvers: what was written is read, nothing else is made of a folder, misfits are refused in a sentence."""

import json
from pathlib import Path

import pytest
import torch

from cryosense.data import AsIs, StackStatistics
from cryosense.operators import FourierSampling, PixelMasking, masks
from cryosense.reconstructors import Unrolled
from cryosense.reconstructors.unrolled import (
    DCTBands,
    UnrolledADMM,
    UnrolledFISTA,
    UnrolledModelError,
    UnrolledNetwork,
    UnrolledSolver,
    WaveletBands,
    open_solver,
    save_solver,
)

N = 32
FOURIER = FourierSampling(masks.radial(N, 0.4, sectors=100, symmetric=True, seed=0))
PIXEL = PixelMasking(masks.random_binary(N, 8, keep_probability=0.5, seed=0), 4)
SOLVERS: list[UnrolledSolver] = [
    UnrolledADMM(DCTBands(4), 0.1, 1.8, 0.7, 3),
    UnrolledFISTA(WaveletBands("db2", 2), 0.1, 3),
    UnrolledNetwork(2, 4, 1.0, 0.01),
]


def write(folder: Path, solver: UnrolledSolver = SOLVERS[0], operator: str = "FourierSampling") -> Path:
    random = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in solver.parameters():
            parameter += 0.1 * torch.randn(parameter.shape, generator=random)
    save_solver(folder, solver, operator, "clean")
    (folder / "cryosense.json").write_text(json.dumps({"scaling": {"scaling": "as_is"}}))
    return folder


def change(path: Path, **entries: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | entries))


@pytest.mark.parametrize("solver", SOLVERS, ids=lambda s: type(s).__name__)
def test_what_is_written_is_read(tmp_path: Path, solver: UnrolledSolver) -> None:
    write(tmp_path / "model", solver)
    y = FOURIER(torch.randn(2, 1, N, N, generator=torch.Generator().manual_seed(1)))
    reconstructor = Unrolled(str(tmp_path / "model"), AsIs())
    estimate = reconstructor(y, FOURIER)
    assert torch.equal(estimate.x, solver.reconstruct(y, FOURIER))
    assert estimate.iterations is not None
    assert estimate.iterations.tolist() == [solver.iterations] * 2
    assert reconstructor.prior == f"{solver.name} clean"


def test_of_several_models_that_of_the_operator_is_taken(tmp_path: Path) -> None:
    write(tmp_path / "a", SOLVERS[0])
    write(tmp_path / "b", SOLVERS[2], "PixelMasking")
    reconstructor = Unrolled(str(tmp_path), AsIs())
    x = torch.randn(2, 1, N, N, generator=torch.Generator().manual_seed(1))
    for operator, solver in ((FOURIER, SOLVERS[0]), (PIXEL, SOLVERS[2])):
        assert torch.equal(reconstructor(operator(x), operator).x, solver.reconstruct(operator(x), operator))


def test_misfits_are_refused(tmp_path: Path) -> None:
    folder = str(write(tmp_path / "model"))
    with pytest.raises(UnrolledModelError, match="the operator is PixelMasking"):
        Unrolled(folder, AsIs()).prepare(PIXEL)
    with pytest.raises(UnrolledModelError, match="set scaling"):
        Unrolled(folder, StackStatistics(4.0))
    with pytest.raises(UnrolledModelError, match="that cryosense train"):
        Unrolled(str(tmp_path / "nowhere"), AsIs())


def test_statistics_of_another_stack_are_no_misfit(tmp_path: Path) -> None:
    folder = write(tmp_path / "model")
    change(folder / "cryosense.json", scaling={"scaling": "stack", "deviations": 4.0, "mean": 3.0, "deviation": 0.2})
    Unrolled(str(folder), StackStatistics(4.0))
    with pytest.raises(UnrolledModelError, match="set scaling"):
        Unrolled(str(folder), StackStatistics(5.0))


@pytest.mark.parametrize(
    "entries",
    [
        {"kind": "os.system"},
        {"arguments": {"iterations": 3}},
        {"arguments": {"iterations": 0, "channels": 4, "penalty": 1.0, "threshold": 0.1}, "kind": "UnrolledNetwork"},
        {"arguments": {"basis": {"kind": "Other"}, "relative_weight": 0.1, "iterations": 3}},
        {"arguments": {"iterations": 3, "channels": 10**6, "penalty": 1.0, "threshold": 0.1}, "kind": "UnrolledNetwork"},
        {"arguments": {"iterations": float("inf"), "channels": 4, "penalty": 1, "threshold": 1}, "kind": "UnrolledNetwork"},
        {"arguments": {"iterations": 10**9, "channels": 1, "penalty": 1.0, "threshold": 0.1}, "kind": "UnrolledNetwork"},
    ],
)
def test_descriptions_of_something_else_are_refused(tmp_path: Path, entries: dict) -> None:
    folder = write(tmp_path / "model")
    change(folder / "solver.json", **entries)
    with pytest.raises(UnrolledModelError, match="does not describe an unrolled solver"):
        open_solver(folder)


def test_damaged_folders_are_refused(tmp_path: Path) -> None:
    folder = write(tmp_path / "model")
    weights = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(weights[:100])
    with pytest.raises(UnrolledModelError, match="cannot be read or belongs to another"):
        open_solver(folder)
    (folder / "solver.json").write_text("{")
    with pytest.raises(UnrolledModelError, match="missing or damaged"):
        open_solver(folder)
