"""The ImageNet AlexNet convolutions that LPIPS uses: from a named file, or torchvision's own cache and download."""

from __future__ import annotations

import functools
import pickle
import urllib.request
import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

from cryosense.errors import ArgumentError
from cryosense.files.untrusted import UntrustedFileError, read_npz, read_torch

# torchvision's weights IMAGENET1K_V1 and the layers they belong to (Krizhevsky 2014). Importing torchvision for these twelve
# layers would take longer than scoring a thousand particles.
URL = "https://download.pytorch.org/models/alexnet-owt-7be5be79.pth"
NETWORK_TIMEOUT_SECONDS = 5.0


def empty_alexnet_features() -> nn.Sequential:
    """Return AlexNet's convolutions without values, made on the meta device so that no global random number is drawn."""
    with torch.device("meta"):
        return nn.Sequential(
            nn.Conv2d(3, 64, 11, stride=4, padding=2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, stride=2),
            nn.Conv2d(64, 192, 5, padding=2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, stride=2),
            nn.Conv2d(192, 384, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(384, 256, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(256, 256, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, stride=2),
        )


def features_from_file(path: Path) -> dict[str, Tensor]:
    """Read the state of AlexNet's ``features`` from an ``.npz`` or a ``torch.save`` file with torchvision's names.

    Raises:
        UntrustedFileError: a file that is missing, cannot be read safely, or holds other weights.
    """
    if not path.is_file():
        raise UntrustedFileError(
            f"LPIPS weights: {path} does not exist; name torchvision's AlexNet weights, or leave the path empty"
        )
    try:
        state = _read_npz(path) if path.suffix == ".npz" else read_torch(path)
    except UntrustedFileError as error:
        raise ArgumentError(f"LPIPS weights: not a readable .npz or state dictionary ({error})") from error
    return _checked(state, path)


def _read_npz(path: Path) -> dict[str, Tensor]:
    names = [f"features.{name}" for name in empty_alexnet_features().state_dict()]
    return {name: torch.from_numpy(array) for name, array in read_npz(path, names).items()}


def _checked(state: object, source: Path) -> dict[str, Tensor]:
    """Return the ``features.`` entries, checked one by one against AlexNet's shapes; the classifier is left out."""
    shapes = {name: value.shape for name, value in empty_alexnet_features().state_dict().items()}
    found = state if isinstance(state, dict) else {}
    for name, shape in shapes.items():
        value = found.get(f"features.{name}")
        if not isinstance(value, Tensor) or value.shape != shape or not value.is_floating_point():
            raise ArgumentError(
                f"LPIPS weights: {source} has no features.{name} of shape {tuple(shape)}: not torchvision's AlexNet"
            )
    return {name: found[f"features.{name}"].float() for name in shapes}


@functools.cache
def torchvision_features() -> dict[str, Tensor] | None:
    """Return AlexNet's ``features`` from torchvision's cache or its download; None, after a warning, without either.

    Tried once per process, so that a machine without network warns once and waits once.
    """
    cached = Path(torch.hub.get_dir()) / "checkpoints" / URL.rsplit("/", 1)[-1]
    try:
        if not cached.is_file():
            # torch.hub has no time-out: check first, and only then start a download that could hang.
            urllib.request.urlopen(urllib.request.Request(URL, method="HEAD"), timeout=NETWORK_TIMEOUT_SECONDS).close()
        state = torch.hub.load_state_dict_from_url(URL, map_location="cpu", check_hash=True, weights_only=True)
    except (OSError, EOFError, RuntimeError, pickle.UnpicklingError) as error:
        warnings.warn(
            f"LPIPS is left empty: AlexNet's weights could be neither read from {cached} nor downloaded ({error}). "
            f"To have it, put {URL} there, or name a file with these weights in the config.",
            stacklevel=2,
        )
        return None
    return _checked(state, cached)
