"""Networks that can sample: a small one whose numbers are random, and one that knows a Gaussian's posterior exactly."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import Tensor

from cryosense import fourier
from cryosense.operators import LinearOperator
from cryosense.reconstructors import LearnedPosterior
from cryosense.reconstructors.unrolled import Told, ToldSolver, ToldUNet, save_solver
from cryosense.reconstructors.unrolled.told import UNTOLD, Scene

BOTH = "FourierSampling,PixelMasking"


def written(
    folder: Path, solver: torch.nn.Module, kinds: str = BOTH, *, loss: str = "clean and sampling", ctf: bool = True
) -> str:
    """-> the folder of a model, as ``cryosense train`` leaves it."""
    save_solver(folder, solver, kinds, loss, ctf=ctf)  # type: ignore[arg-type]
    (folder / "cryosense.json").write_text('{"scaling": {}}')
    return str(folder)


def half(planes: Tensor) -> Tensor:
    """-> a gain for each image, as ``filtered`` takes it."""
    return fourier.centred_to_half_plane(planes)[:, None]


@cache
def small_network() -> ToldUNet:
    """-> with random numbers, all of which do something, so small that its samples are near the pseudo-inverse."""
    with torch.random.fork_rng():
        torch.manual_seed(5)
        network = ToldUNet(iterations=1, channels=4, levels=2, hidden=5, samples=True)
        for parameter in network.parameters():
            parameter.data += 0.05 * torch.randn(parameter.shape)
    return network.eval()


def small(**settings: int) -> LearnedPosterior:
    """-> the method with that network, of few evaluations."""
    with TemporaryDirectory() as folder:
        return LearnedPosterior(written(Path(folder) / "model", small_network()), **({"network_evaluations": 3} | settings))


class Exact(ToldSolver):
    """E[s | y, s + std n] of stationary Gaussian s with a power spectrum, (n, n), y = M F (s + e) with white noise e."""

    name = "exact"

    def __init__(self, spectrum: Tensor, noise_std: float) -> None:
        super().__init__(1, 1, 1, 1.0, samples=True)
        self.spectrum, self.noise_std = spectrum, noise_std

    def posterior(self, y: Tensor, operator: LinearOperator) -> tuple[Tensor, Tensor]:
        """-> mean, (b, 1, n, n), and variance of each Fourier coefficient, centred (1 or b, n, n), of s given y."""
        seen = operator.measured_shares * self.spectrum / (self.spectrum + self.noise_std**2)
        return fourier.filtered(operator.pinv(y), half(seen)), self.spectrum * (1 - seen)

    def forward(self, y: Tensor, operator: LinearOperator, told: Told = UNTOLD) -> Tensor:
        mean, variance = self.posterior(y, operator)
        if told.sample is None:
            return mean
        share = variance / (variance + told.sample.std[:, None, None] ** 2)
        return mean + fourier.filtered(told.sample.images - mean, half(share))

    def refined(self, i: int, z: Tensor, scene: Scene) -> Tensor:
        raise NotImplementedError


def exactly(network: Exact, **settings: float) -> LearnedPosterior:
    """-> the method with that network in the place of a learned one."""
    method = small(**({"network_evaluations": 20} | settings))  # type: ignore[arg-type]
    for saved in method.saved.values():
        vars(saved)["solver"] = network
    return method
