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
from cryosense.reconstructors.unrolled.gains import SampleShare, SpectralGain, estimated_noise, facts_of
from cryosense.reconstructors.unrolled.network import LearnedShrinkage
from cryosense.reconstructors.unrolled.solver import Conditioned, UnrolledSolver, log_compression, mean_diagonals

AT_A_TIME = 8  # images: the rounding of products and convolutions depends on the batch size


@dataclass(frozen=True, eq=False)
class NoisySample:
    """The images wanted, under white noise that has nothing to do with the measurement: ``s + std n``.

    Attributes:
        images: (b, 1, n, n).
        std: standard deviation of its noise per pixel, (b,).
    """

    images: Tensor
    std: Tensor


@dataclass(frozen=True, eq=False)
class Told:
    """What is known of b images beside their measurement.

    Attributes:
        noise_std: standard deviation per pixel of all noise in them, (1 or b,); None: it is taken from their highest
            frequencies.
        ctf: contrast transfer function by which they were seen, (1 or b, 1, n, n // 2 + 1); None where it is not known.
        sample: the images under other noise, as a sampler has them on its way; None: there is no such thing.
    """

    noise_std: Tensor | None = None
    ctf: Tensor | None = None
    sample: NoisySample | None = None

    def part(self, images: Tensor) -> Told:
        """Return what is known of the images with these indices (k,)."""
        noise_std, ctf = (each if each is None or len(each) == 1 else each[images] for each in (self.noise_std, self.ctf))
        sample = self.sample and NoisySample(self.sample.images[images], self.sample.std[images])
        return Told(noise_std, ctf, sample)


UNTOLD = Told()


@dataclass(frozen=True, eq=False)
class Scene:
    """What a told solver knows of b images while it works, in units of their deviation.

    Attributes:
        start: ``A^+ y``, (b, 1, n, n).
        noise: standard deviation of the noise, (b,).
        log_compression: (1 or b,).
        sample: the images wanted under other noise, if there is such a thing.
    """

    start: Tensor
    noise: Tensor
    log_compression: Tensor
    sample: NoisySample | None = None


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
        samples: whether it can be told a noisy sample beside the measurement; then ``E[s | y, s + std n]`` can be learned for
            every std, by which s given y is sampled (Ho et al. 2020, Karras et al. 2022).
    """

    scale_free = True

    def __init__(self, iterations: int, channels: int, hidden: int, penalty: float, samples: bool = False) -> None:
        super().__init__(iterations)
        if min(channels, hidden) < 1 or not penalty > 0:
            raise ArgumentError(f"channels={channels}, hidden={hidden}, penalty={penalty}: give positive numbers")
        self.penalty = penalty
        self.penalties = Conditioned(iterations, 1)
        self.gains = nn.ModuleList(SpectralGain(hidden) for _ in range(iterations))
        self.shares = nn.ModuleList(SampleShare(hidden) for _ in range(iterations if samples else 0))
        self.samples = samples
        self.arguments = {"iterations": iterations, "channels": channels, "hidden": hidden, "penalty": penalty}
        if samples:
            self.arguments["samples"] = True

    @abstractmethod
    def refined(self, i: int, z: Tensor, scene: Scene) -> Tensor:
        """Return what the network of iteration i makes of images (b, 1, n, n)."""

    def units(self, y: Tensor, operator: LinearOperator) -> tuple[Tensor, Tensor]:
        """Return the mean and the deviation of each ``A^+ y``, (b, 1, 1, 1): the zero and the unit of what it works in."""
        start = operator.pinv(y)
        level, scale = start.mean((-2, -1), keepdim=True), start.std((-2, -1), keepdim=True)
        return level, scale.clamp_min(torch.finfo(start.dtype).tiny)

    def forward(self, y: Tensor, operator: LinearOperator, told: Told = UNTOLD) -> Tensor:
        level, scale = self.units(y, operator)
        sample = self._in_units(told.sample, level, scale)
        seen = (y - operator(level.expand(-1, -1, *[operator.box_size] * 2))) / scale.reshape(-1, *(1,) * (y.ndim - 1))
        x = operator.pinv(seen)
        shares = operator.measured_shares.to(x)
        noise = estimated_noise(x, shares) if told.noise_std is None else told.noise_std.to(x) / scale.flatten()
        facts = facts_of(x, shares, noise, told.ctf)
        scene, diagonals = Scene(x, noise, log_compression(operator, y), sample), mean_diagonals(operator, y)

        def iteration(i: int, x: Tensor) -> Tensor:
            rho = self.penalty * diagonals * self.penalties(i, scene.log_compression)[..., None, None]
            z = fourier.filtered(operator.proximal_map(seen, rho)(x), self.gains[i](facts))
            if sample is not None:
                z = z + fourier.filtered(sample.images - z, self.shares[i](facts, sample.std))
            return self.refined(i, z, scene)

        for i in range(self.iterations):
            x = self.iterate(iteration, i, x)
        return level + scale * x

    def _in_units(self, sample: NoisySample | None, level: Tensor, scale: Tensor) -> NoisySample | None:
        """Return a sample about 0 in units of the deviation. Raises ArgumentError if the network cannot be told of one."""
        if sample is None:
            return None
        if not self.samples:
            raise ArgumentError("this network was made without samples=True: it cannot be told a noisy sample")
        return NoisySample((sample.images - level) / scale, sample.std / scale.flatten())

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
