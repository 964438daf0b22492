"""The problem that everything is timed on: simulated particles, two operators, three priors, their weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from omegaconf import DictConfig
from torch import Tensor

from cryosense.operators import FourierSampling, LinearOperator, PixelMasking, masks
from cryosense.priors import DCT, L1, Prior, TotalVariation, Wavelet
from cryosense.reconstructors import ADMM, Sparse

CONF = Path(__file__).parents[2] / "conf"
PRIORS: dict[str, Prior] = {"dct": L1(DCT()), "wavelet": L1(Wavelet()), "tv": TotalVariation()}


def particles(config: DictConfig) -> tuple[Tensor, Tensor]:
    """-> noisy and clean images (images + tuning images, 1, n, n)."""
    size = [f"box_size={config.box_size}", f"pixel_size_angstrom={config.pixel_size_angstrom}", f"seed={config.seed}"]
    with initialize_config_dir(str(CONF), version_base=None):
        simulator = instantiate(compose("simulate", overrides=size).simulator)
    chunk = simulator.chunk(range(config.images + config.weights.tuning_images))
    return chunk.noisy * config.intensity_scale, chunk.clean * config.intensity_scale


def operators(config: DictConfig) -> dict[str, LinearOperator]:
    """-> by name: K = 4, C = 2 in pixel space; symmetric spokes, C = 2.5, in Fourier space."""
    n, pixel, spokes = config.box_size, config.operators.pixel, config.operators.fourier
    count = round(pixel.block_size**2 / pixel.compression)
    binary = masks.random_binary(n, count, keep_probability=pixel.keep_probability, seed=config.seed)
    radial = masks.radial(n, 1 / spokes.compression, sectors=spokes.sectors, symmetric=True, seed=config.seed)
    return {"pixel": PixelMasking(binary, pixel.block_size), "fourier": FourierSampling(radial)}


@dataclass(frozen=True)
class Cell:
    """One problem: argmin_x |A x - y|^2 / 2 + weight Psi(x)."""

    domain: str
    prior_name: str
    operator: LinearOperator
    prior: Prior
    weight: float
    y: Tensor

    def objective(self, x: Tensor) -> Tensor:
        """(b, 1, n, n) -> (b,), in float64; measurements are those of the first b images."""
        operator, prior = self.operator.double_precision(), PRIORS[self.prior_name]
        residual = operator(x.double()) - self.y[: len(x)].double()
        return residual.square().flatten(1).sum(1) / 2 + self.weight * prior(x.double())

    def fixed_point_gap(self, x: Tensor) -> Tensor:
        """(b, 1, n, n) -> (b,): |x - prox(x - gradient / d)| / |x| in float64, d the mean diagonal of A^T A.

        A measure that no algorithm here works with, the same for all of them.
        """
        operator, prior = self.operator.double_precision(), PRIORS[self.prior_name]
        x, y, step = x.double(), self.y[: len(x)].double(), 1 / operator.mean_diagonal
        change = x - prior.prox(x - step * operator.adjoint(operator(x) - y), step * self.weight)
        return torch.linalg.vector_norm(change.flatten(1), dim=1) / torch.linalg.vector_norm(x.flatten(1), dim=1)

    def ours(self, method: ADMM) -> Sparse:
        """-> the package's reconstructor for this cell."""
        return Sparse(PRIORS[self.prior_name], self.weight, method)

    def reference(self, config: DictConfig) -> Tensor:
        """-> (reference images, 1, n, n): the minimisers, by a long run in float64."""
        options = {**config.method, "tolerance": config.reference.tolerance, "max_iterations": config.reference.max_iterations}
        reconstructor = self.ours(ADMM(**options))
        return reconstructor(self.y[: config.reference.images].double(), self.operator.double_precision()).x


def best_weight(config: DictConfig, operator: LinearOperator, prior_name: str, noisy: Tensor, clean: Tensor) -> float:
    """-> the candidate whose reconstructions of these images (t, 1, n, n) come nearest to the clean ones."""
    method = ADMM(**config.method)
    errors = {
        weight: float((Sparse(PRIORS[prior_name], weight, method)(operator(noisy), operator).x - clean).square().mean())
        for weight in config.weights.candidates
    }
    return min(errors, key=errors.__getitem__)
