"""A network that is told what it looks at: the mask, the noise and the CTF; and that knows no units."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from cryosense import fourier
from cryosense.cpu_tiles import in_equal_portions
from cryosense.errors import ArgumentError
from cryosense.operators import LinearOperator
from cryosense.reconstructors.unrolled.network import LearnedShrinkage
from cryosense.reconstructors.unrolled.solver import Conditioned, UnrolledSolver, log_compression, mean_diagonals

AT_A_TIME = 8  # images: the rounding of products and convolutions depends on the batch size
FACTS = 5  # of each frequency, see ``_facts``
OUTER = 0.75  # of Nyquist: beyond, a particle image is noise
LEAST_SNR = 1e-3  # below, nothing changes any more


@dataclass(frozen=True, eq=False)
class Told:
    """What is known of b images beside their measurement.

    Attributes:
        noise_std: standard deviation per pixel of all noise in them, (1 or b,); None: it is taken from their highest
            frequencies.
        ctf: contrast transfer function by which they were seen, (1 or b, 1, n, n // 2 + 1); None where it is not known.
    """

    noise_std: Tensor | None = None
    ctf: Tensor | None = None

    def part(self, images: Tensor) -> Told:
        """Return what is known of the images with these indices (k,)."""
        return Told(*(each if each is None or len(each) == 1 else each[images] for each in (self.noise_std, self.ctf)))


UNTOLD = Told()


class SpectralGain(nn.Module):
    """A factor for each frequency, between 0 and 2, by a small network of what is known of that frequency; 1 untrained."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(FACTS, hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU())
        self.last = nn.Linear(hidden, 1)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def extra_repr(self) -> str:
        """Return the parameters that it was made with."""
        return f"hidden={self.last.in_features}"

    def forward(self, facts: Tensor) -> Tensor:
        """Return factors (b, 1, n, n // 2 + 1) given facts (b, n, n // 2 + 1, FACTS)."""
        return 2 * torch.sigmoid(self.last(self.layers(facts)))[..., 0][:, None]


@dataclass(frozen=True, eq=False)
class Scene:
    """What a told solver knows of b images while it works, in units of their deviation.

    Attributes:
        start: ``A^+ y``, (b, 1, n, n).
        noise: standard deviation of the noise, (b,).
        log_compression: (1 or b,).
    """

    start: Tensor
    noise: Tensor
    log_compression: Tensor


class ToldSolver(UnrolledSolver):
    """Exact data steps, each followed by a filter and a network that follow mask, noise and CTF, from ``A^+ y``.

    Images are brought to a mean of 0 and a deviation of 1, each by its own ``A^+ y``, and back: the result for ``a y`` is a
    times that for y, whatever the units. Boxes have any even size. Untrained, it is the pseudo-inverse, with the mean level
    in place of nothing where nothing is measured.

    Args:
        iterations: number of data steps.
        channels: channels of the networks.
        hidden: width of the network that makes the filters.
        penalty: before training, rho of the data steps over the mean diagonal of ``A^T A``.
    """

    scale_free = True

    def __init__(self, iterations: int, channels: int, hidden: int, penalty: float) -> None:
        super().__init__(iterations)
        if min(channels, hidden) < 1 or not penalty > 0:
            raise ArgumentError(f"channels={channels}, hidden={hidden}, penalty={penalty}: give positive numbers")
        self.penalty = penalty
        self.penalties = Conditioned(iterations, 1)
        self.gains = nn.ModuleList(SpectralGain(hidden) for _ in range(iterations))
        self.arguments = {"iterations": iterations, "channels": channels, "hidden": hidden, "penalty": penalty}

    @abstractmethod
    def refined(self, i: int, z: Tensor, scene: Scene) -> Tensor:
        """Return what the network of iteration i makes of images (b, 1, n, n)."""

    def forward(self, y: Tensor, operator: LinearOperator, told: Told = UNTOLD) -> Tensor:
        start = operator.pinv(y)
        level, scale = start.mean((-2, -1), keepdim=True), start.std((-2, -1), keepdim=True)
        scale = scale.clamp_min(torch.finfo(start.dtype).tiny)
        seen = (y - operator(level.expand_as(start))) / scale.reshape(-1, *(1,) * (y.ndim - 1))
        x = operator.pinv(seen)
        shares = operator.measured_shares.to(x)
        noise = _noise(x, shares) if told.noise_std is None else told.noise_std.to(x) / scale.flatten()
        facts = _facts(x, shares, noise, told.ctf)
        scene, diagonals = Scene(x, noise, log_compression(operator, y)), mean_diagonals(operator, y)

        def iteration(i: int, x: Tensor) -> Tensor:
            rho = self.penalty * diagonals * self.penalties(i, scene.log_compression)[..., None, None]
            z = fourier.filtered(operator.proximal_map(seen, rho)(x), self.gains[i](facts))
            return self.refined(i, z, scene)

        for i in range(self.iterations):
            x = self.iterate(iteration, i, x)
        return level + scale * x

    @torch.no_grad()
    def reconstruct(self, y: Tensor, operator: LinearOperator, told: Told = UNTOLD) -> Tensor:
        def work(images: Tensor) -> tuple[Tensor]:
            return (self(y[images], operator.part(images), told.part(images)),)

        return in_equal_portions(work, torch.arange(len(y), device=y.device), AT_A_TIME)[0]


class ToldNetwork(ToldSolver):
    """A told solver whose networks are ``LearnedShrinkage``, their thresholds in units of the noise.

    ``ToldSolver`` explains the arguments.

    Raises:
        ArgumentError: numbers that are not positive.
    """

    name = "told"

    def __init__(self, iterations: int = 4, channels: int = 16, hidden: int = 16, penalty: float = 1.0) -> None:
        super().__init__(iterations, channels, hidden, penalty)
        self.thresholds = Conditioned(iterations, channels)
        self.networks = nn.ModuleList(LearnedShrinkage(channels) for _ in range(iterations))

    def refined(self, i: int, z: Tensor, scene: Scene) -> Tensor:
        return self.networks[i](z, scene.noise[:, None] * self.thresholds(i, scene.log_compression))


def _noise(x: Tensor, shares: Tensor) -> Tensor:
    """Return the standard deviation of white noise that explains what is measured beyond OUTER, (b,)."""
    n = x.shape[-1]
    outer = fourier.frequency_radius(n, device=x.device) > OUTER * n / 2
    power = (fourier.fftn(x)[:, 0].abs() ** 2 * outer).sum((-2, -1))
    measured = (shares * outer).sum((-2, -1))
    return (power / measured.clamp_min(1.0)).sqrt().clamp_min(1e-3)


def _facts(x: Tensor, shares: Tensor, noise: Tensor, ctf: Tensor | None) -> Tensor:
    """Return what is known of each frequency of images (b, 1, n, n), as (b, n, n // 2 + 1, FACTS).

    The share of it that is measured; the radius, Nyquist being 1; the logarithm of the power of its shell, as far as it is
    measured, over the noise's variance; the CTF, 1 where it is not known; the logarithm of the noise's variance.
    """
    n, b = x.shape[-1], len(x)
    radius = fourier.frequency_radius(n, device=x.device)
    shell = fourier.shell_index(n, device=x.device).clamp(max=n // 2)
    power = fourier.shell_sum(fourier.fftn(x)[:, 0].abs() ** 2)
    measured = fourier.shell_sum(shares)
    variance = noise[:, None, None] ** 2
    snr = (power / measured.clamp_min(0.5))[:, shell] / variance
    seen = x.new_ones(1, 1, 1) if ctf is None else ctf[:, 0].to(x)
    planes = (shares, radius.to(x)[None] / (n / 2), snr.clamp_min(LEAST_SNR).log())
    facts = [*map(fourier.centred_to_half_plane, planes), seen, variance.log()]
    return torch.stack([fact.expand(b, n, n // 2 + 1) for fact in facts], dim=-1)
