"""A told solver whose networks see the whole particle: small U-nets that know where its middle is."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from cryosense.errors import ArgumentError
from cryosense.reconstructors.unrolled.network import CELL
from cryosense.reconstructors.unrolled.told import NoisySample, Scene, ToldSolver

CONDITIONS = 3  # of each image: see ``_conditions``; one more where there may be a noisy sample
PLANES = 3  # z, A^+ y, distance from the middle; one more where there may be a noisy sample


class Block(nn.Module):
    """``x + W relu(a + b V relu(x))``, V and W convolutions, a and b following what is known of the image."""

    def __init__(self, channels: int, conditions: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        self.change = nn.Linear(conditions, 2 * channels)
        nn.init.zeros_(self.change.weight)
        nn.init.zeros_(self.change.bias)

    def extra_repr(self) -> str:
        """Return the parameters that it was made with."""
        return f"channels={self.first.in_channels}, conditions={self.change.in_features}"

    def forward(self, x: Tensor, conditions: Tensor) -> Tensor:
        """Return features (b, channels, h, w) given what is known of each image, (b, conditions)."""
        gain, offset = self.change(conditions)[..., None, None].chunk(2, dim=1)
        inside = self.first(functional.relu(x)) * (1 + gain) + offset
        return x + self.second(functional.relu(inside))


class ConditionedUNet(nn.Module):
    """A U-net on cells of 2 x 2 pixels: ``levels`` sizes, each half of the one before with twice the channels; 0 untrained."""

    def __init__(self, channels: int, levels: int, planes: int = PLANES, conditions: int = CONDITIONS) -> None:
        super().__init__()
        self.levels = levels
        widths = [channels * 2**level for level in range(levels)]
        pairs = list(pairwise(widths))
        self.open = nn.Conv2d(planes * CELL**2, channels, 3, padding=1)
        self.down = nn.ModuleList(nn.Conv2d(4 * a, b, 1) for a, b in pairs)
        self.before = nn.ModuleList(Block(width, conditions) for width in widths)
        self.after = nn.ModuleList(Block(width, conditions) for width in widths)
        self.up = nn.ModuleList(nn.Conv2d(b, 4 * a, 1) for a, b in pairs)
        self.close = nn.Conv2d(channels, CELL**2, 3, padding=1)
        nn.init.zeros_(self.close.weight)
        assert self.close.bias is not None
        nn.init.zeros_(self.close.bias)

    def extra_repr(self) -> str:
        """Return the parameters that it was made with."""
        return f"channels={self.open.out_channels}, levels={self.levels}"

    def forward(self, planes: Tensor, conditions: Tensor) -> Tensor:
        """Return images (b, 1, n, n) given planes (b, planes, n, n), n even, and conditions (b, conditions)."""
        n, step = planes.shape[-1], CELL * 2 ** (self.levels - 1)
        missing = -n % step
        filled = functional.pad(planes, (0, missing, 0, missing), mode="replicate") if missing else planes
        x = self.open(functional.pixel_unshuffle(filled, CELL).contiguous(memory_format=torch.channels_last))
        kept = []
        for level, block in enumerate(self.before):
            x = block(x, conditions)
            if level + 1 < self.levels:
                kept.append(x)
                x = self.down[level](functional.pixel_unshuffle(x, 2))
        for level in reversed(range(self.levels)):
            x = self.after[level](x, conditions)
            if level > 0:
                x = kept[level - 1] + functional.pixel_shuffle(self.up[level - 1](x), 2)
        return functional.pixel_shuffle(self.close(functional.relu(x)), CELL)[..., :n, :n]


class ToldUNet(ToldSolver):
    """A told solver whose networks are ``ConditionedUNet``; what they add is bounded by how much is not known.

    ``ToldSolver`` explains the other arguments.

    Args:
        levels: sizes of each U-net, 1 or more.

    Raises:
        ArgumentError: numbers that are not positive.
    """

    name = "told_unet"

    def __init__(
        self,
        iterations: int = 2,
        channels: int = 24,
        levels: int = 3,
        hidden: int = 16,
        penalty: float = 1.0,
        samples: bool = False,
    ) -> None:
        super().__init__(iterations, channels, hidden, penalty, samples)
        if levels < 1:
            raise ArgumentError(f"levels={levels}: give 1 or more")
        sizes = (PLANES + 1, CONDITIONS + 1) if samples else (PLANES, CONDITIONS)
        self.networks = nn.ModuleList(ConditionedUNet(channels, levels, *sizes) for _ in range(iterations))
        self.arguments["levels"] = levels

    def refined(self, i: int, z: Tensor, scene: Scene) -> Tensor:
        b, n = len(z), z.shape[-1]
        doubt = _doubt(scene).expand(b)
        planes = [z, scene.start, _from_middle(n, z.device).to(z).expand(b, 1, n, n)]
        logs = [scene.noise.log(), scene.log_compression.expand(b), doubt.log()]
        if self.samples:
            plane, precision = _of_sample(scene.sample, z)
            planes, logs = [*planes, plane], [*logs, torch.log1p(precision)]
            doubt = (doubt**-2 + precision) ** -0.5
        change = self.networks[i](torch.cat(planes, dim=1), torch.stack(logs, dim=1))
        return z + doubt[:, None, None, None] * change


def _of_sample(sample: NoisySample | None, like: Tensor) -> tuple[Tensor, Tensor]:
    """Return a noisy sample brought to a deviation of about 1, (b, 1, n, n), and 1 / variance of its noise, (b,)."""
    if sample is None:
        return torch.zeros_like(like), like.new_zeros(len(like))
    return sample.images / (1 + sample.std**2).sqrt()[:, None, None, None], sample.std**-2


def _doubt(scene: Scene) -> Tensor:
    """Return the deviation of what is not known of images whose own is 1, (b,): noise, and what is not measured; at most 1."""
    unmeasured = 1 - torch.exp(-scene.log_compression)
    return (scene.noise**2 + unmeasured).clamp(max=1.0).sqrt()


def _from_middle(n: int, device: torch.device) -> Tensor:
    """Return the distance of each pixel from the middle of the box, half the box being 1, (1, 1, n, n)."""
    axis = (torch.arange(n, device=device) - n // 2) / (n / 2)
    return torch.hypot(axis[:, None], axis[None, :])[None, None]
