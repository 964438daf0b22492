"""The paper's algorithm, written from its description: Adam on the data term, a threshold that is not scaled by the step.

One image at a time, the prox on the CPU in NumPy. Its fixed point depends on the learning rate; only its time matters here.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pywt
import scipy.fft
import torch
from skimage.restoration import denoise_tv_chambolle
from torch import Tensor

from cryosense import fourier
from cryosense.operators import FourierSampling, LinearOperator, PixelMasking

Measure = Callable[[Tensor], Tensor]


def measurement(operator: LinearOperator) -> Measure:
    """-> the plain forward pass for one image (1, 1, n, n)."""
    if isinstance(operator, PixelMasking):
        n, k = operator.box_size, operator.block_size
        sets = operator.masks
        return lambda x: (sets * x).reshape(1, -1, n // k, k, n // k, k).sum((3, 5))
    if isinstance(operator, FourierSampling):
        mask = operator.masks
        return lambda x: torch.view_as_real(mask * fourier.fftn(x))
    raise TypeError(type(operator).__name__)


def soft(c: np.ndarray, threshold: float) -> np.ndarray:
    return np.sign(c) * np.maximum(np.abs(c) - threshold, 0)


def prox_dct(x: np.ndarray, threshold: float) -> np.ndarray:
    return scipy.fft.idctn(soft(scipy.fft.dctn(x, norm="ortho"), threshold), norm="ortho")


def prox_wavelet(x: np.ndarray, threshold: float) -> np.ndarray:
    coarse, *details = pywt.wavedec2(x, "haar", mode="periodization")
    shrunk = [tuple(soft(band, threshold) for band in bands) for bands in details]
    return pywt.waverec2([soft(coarse, threshold), *shrunk], "haar", mode="periodization")


def prox_tv(x: np.ndarray, threshold: float) -> np.ndarray:
    return denoise_tv_chambolle(x, weight=threshold)


PROX = {"dct": prox_dct, "wavelet": prox_wavelet, "tv": prox_tv}


def reconstruct(image: Tensor, measure: Measure, prior_name: str, weight: float, iterations: int, rate: float) -> Tensor:
    """(1, 1, n, n) -> (1, 1, n, n): measure the image and reconstruct it."""
    y, prox = measure(image), PROX[prior_name]
    x = torch.zeros_like(image, requires_grad=True)
    optimiser = torch.optim.Adam([x], lr=rate)
    for _ in range(iterations):
        optimiser.zero_grad()
        (measure(x) - y).square().mean().backward()
        optimiser.step()
        with torch.no_grad():
            x[0, 0] = torch.from_numpy(np.asarray(prox(x[0, 0].numpy(), weight), dtype=np.float32))
    return x.detach()
