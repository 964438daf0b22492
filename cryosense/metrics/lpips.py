"""Learned perceptual image patch similarity (Zhang et al. 2018), AlexNet, version 0.1."""

from __future__ import annotations

import functools
import importlib.util
from pathlib import Path

import torch
from torch import Tensor, nn

from cryosense.errors import ArgumentError, MissingExtraError
from cryosense.float32 import float32_kept
from cryosense.metrics.pairs import require_images
from cryosense.metrics.weights import empty_alexnet_features, features_from_file, torchvision_features

SMALLEST_IMAGE = 31
IMAGES_PER_PASS = 32


class Lpips(nn.Module):
    """LPIPS of grey images: AlexNet's five rectified layers, unit length per pixel, weighted squared differences, mean.

    The five weight vectors are those that the ``lpips`` package ships; the network is frozen.
    """

    shift: Tensor
    scale: Tensor

    def __init__(self, features: dict[str, Tensor]) -> None:
        """Build the network from ``features``, the state of torchvision's ``alexnet().features``."""
        super().__init__()
        network = empty_alexnet_features()
        network.load_state_dict(features, assign=True)
        layers = list(network.children())
        # Each slice ends at a rectifier; the first layers of the next one pool what it gives.
        self.slices = nn.ModuleList(nn.Sequential(*layers[a:b]) for a, b in ((0, 2), (2, 5), (5, 8), (8, 10), (10, 12)))
        self.weights = nn.ParameterList(_linear_weights())
        self.register_buffer("shift", torch.tensor([-0.030, -0.088, -0.188])[:, None, None])
        self.register_buffer("scale", torch.tensor([0.458, 0.448, 0.450])[:, None, None])
        self.requires_grad_(False).eval()

    @staticmethod
    def load(weights_path: str | Path | None = None) -> Lpips | None:
        """Return LPIPS with AlexNet from a file (``.npz`` or state dictionary, torchvision's names); None loads torchvision's.

        Returns None, after one warning that says how to get the weights, if no path is given and torchvision has neither
        weights nor network access.

        Raises:
            ArgumentError: a named file that is missing, unreadable or holds other weights.
        """
        features = torchvision_features() if weights_path is None else features_from_file(Path(weights_path))
        return None if features is None else Lpips(features)

    def forward(self, x: Tensor, reference: Tensor) -> Tensor:
        """Return the distances, (b,), of images (b, 1, n, n) in [-1, 1], n >= 31; a few at a time, to bound the memory."""
        require_images(x, reference)
        if x.shape[-1] < SMALLEST_IMAGE:
            raise ArgumentError(f"LPIPS needs images of at least {SMALLEST_IMAGE} px, got {x.shape[-1]} px; run without it")
        passes = zip(x.split(IMAGES_PER_PASS), reference.split(IMAGES_PER_PASS), strict=True)
        with float32_kept():
            return torch.cat([self._distance(a, b) for a, b in passes])

    def _distance(self, x: Tensor, reference: Tensor) -> Tensor:
        """Return the distances, (b,), of images (b, 1, n, n)."""
        a, b = (((image.to(self.shift.dtype) - self.shift) / self.scale) for image in (x, reference))  # (b, 3, n, n)
        distance = x.new_zeros(len(x), dtype=torch.float64)
        for layer, weight in zip(self.slices, self.weights, strict=True):
            a, b = layer(a), layer(b)
            distance += ((_unit(a) - _unit(b)).square() * weight).sum(dim=1).mean(dim=(1, 2))
        return distance


def _unit(features: Tensor) -> Tensor:
    """Return features (b, c, h, w) scaled to unit length over the channels."""
    return features / (features.square().sum(dim=1, keepdim=True).sqrt() + 1e-10)


def _linear_weights() -> list[Tensor]:
    """Return the five weights (1, c, 1, 1) from the file inside the ``lpips`` package, found without running its code."""
    package = importlib.util.find_spec("lpips")
    if package is None or package.origin is None:
        raise MissingExtraError("LPIPS needs the package lpips, which ships the weights of version 0.1")
    path = Path(package.origin).parent / "weights" / "v0.1" / "alex.pth"
    state = torch.load(path, map_location="cpu", weights_only=True)
    return [state[f"lin{layer}.model.1.weight"] for layer in range(5)]


@functools.cache
def _default() -> Lpips | None:
    return Lpips.load(None)


def lpips(x: Tensor, reference: Tensor) -> Tensor:
    """Return LPIPS with torchvision's weights, (b,), of images (b, 1, n, n) in [-1, 1]; NaN, with a warning, without them."""
    require_images(x, reference)
    network = _default()
    if network is None:
        return x.new_full((len(x),), float("nan"), dtype=torch.float64)
    return network.to(x.device)(x, reference)
