"""A learned analysis transform in place of the fixed basis: exact data steps alternate with small residual networks."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from cryosense.cpu_tiles import in_equal_portions
from cryosense.errors import ArgumentError
from cryosense.operators import LinearOperator
from cryosense.reconstructors.unrolled.solver import Conditioned, UnrolledSolver, log_compression, mean_diagonals

AT_A_TIME = 8  # images: the rounding of convolutions depends on the batch size
CELL = 2  # pixels: the networks see cells of 2 x 2 pixels as four channels, half the work and twice the field of view


class LearnedShrinkage(nn.Module):
    """``x + W soft(H x, threshold)``, a network for the proximal step (ISTA-Net+, Zhang and Ghanem 2018).

    H and W are each two 3 x 3 convolutions with a rectifier between them, on ``channels`` channels, with one convolution
    before and one after. The last is zero before training, so that the untrained network changes nothing.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.open = nn.Conv2d(CELL**2, channels, 3, padding=1)
        self.analysis = nn.Sequential(*_two_convolutions(channels))
        self.synthesis = nn.Sequential(*_two_convolutions(channels))
        self.close = nn.Conv2d(channels, CELL**2, 3, padding=1)
        nn.init.zeros_(self.close.weight)
        assert self.close.bias is not None
        nn.init.zeros_(self.close.bias)

    def extra_repr(self) -> str:
        """Return the parameters that it was made with."""
        return f"channels={self.open.out_channels}"

    def forward(self, x: Tensor, threshold: Tensor) -> Tensor:
        """Return images (b, 1, n, n), n even, given thresholds (1 or b, channels)."""
        features = self.analysis(self.open(functional.pixel_unshuffle(x, CELL)))
        small = threshold[..., None, None]
        sparse = features - torch.maximum(torch.minimum(features, small), -small)
        return x + functional.pixel_shuffle(self.close(self.synthesis(sparse)), CELL)


def _two_convolutions(channels: int) -> list[nn.Module]:
    return [nn.Conv2d(channels, channels, 3, padding=1), nn.ReLU(), nn.Conv2d(channels, channels, 3, padding=1)]


class UnrolledNetwork(UnrolledSolver):
    """Exact data steps of the operator that alternate with ``LearnedShrinkage``, each with its own weights, from ``A^+ y``.

    Fully convolutional: the box can differ from that of the training images.

    Args:
        iterations: number of data steps, each followed by a network.
        channels: channels of the networks.
        penalty: before training, rho of the data steps over the mean diagonal of ``A^T A``.
        threshold: before training, threshold of the features.

    Raises:
        ArgumentError: numbers that are not positive.
    """

    name = "cnn"

    def __init__(self, iterations: int = 5, channels: int = 16, penalty: float = 1.0, threshold: float = 0.01) -> None:
        super().__init__(iterations)
        if channels < 1 or not penalty > 0 or not threshold > 0:
            raise ArgumentError(f"channels={channels}, penalty={penalty}, threshold={threshold}: give positive numbers")
        self.penalty, self.threshold = penalty, threshold
        self.penalties, self.thresholds = Conditioned(iterations, 1), Conditioned(iterations, channels)
        self.networks = nn.ModuleList(LearnedShrinkage(channels) for _ in range(iterations))
        self.arguments = {"iterations": iterations, "channels": channels, "penalty": penalty, "threshold": threshold}

    def forward(self, y: Tensor, operator: LinearOperator) -> Tensor:
        log_c, diagonals = log_compression(operator, y), mean_diagonals(operator, y)

        def iteration(i: int, x: Tensor) -> Tensor:
            rho = self.penalty * diagonals * self.penalties(i, log_c)[..., None, None]
            z = operator.proximal_map(y, rho)(x)
            return self._shrunk(i, z, self.threshold * self.thresholds(i, log_c))

        x = operator.pinv(y)
        for i in range(self.iterations):
            x = self.iterate(iteration, i, x)
        return x

    def _shrunk(self, i: int, z: Tensor, threshold: Tensor) -> Tensor:
        network = self.networks[i]
        if torch.is_grad_enabled():
            return network(z, threshold)
        # One tensor of images and thresholds, so that portions of both stay together.
        packed = torch.cat([z.flatten(1), threshold.expand(len(z), -1)], dim=1)
        pixels = z[0].numel()

        def work(part: Tensor) -> tuple[Tensor]:
            return (network(part[:, :pixels].reshape(-1, *z.shape[1:]), part[:, pixels:]),)

        return in_equal_portions(work, packed, AT_A_TIME)[0]
