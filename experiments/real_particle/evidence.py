"""What the image itself says: how much of it is noise, what no prior can win back, whether there is more than a spectrum."""

import math
from pathlib import Path

import pandas as pd
import torch
from run import clean_projections, particle, surrogates

from cryosense import fourier
from cryosense.metrics import Scores
from cryosense.priors import DCT, Wavelet

FLOOR_FROM_RING = {"rings 32 to 64": 32, "rings 40 to 64": 40, "rings 48 to 64": 48}


def noise_floor(image: torch.Tensor, first_ring: int) -> float:
    """(n, n) -> variance per pixel of white noise: the mean power from ``first_ring`` to Nyquist, where no signal is seen."""
    power, ring = fourier.fftn(image - image.mean()).abs() ** 2, fourier.shell_index(image.shape[-1])
    return float(power[(ring >= first_ring) & (ring <= image.shape[-1] // 2)].mean())


def ceiling_psnr(floor: float, compression_dof: float) -> float:
    """-> expected PSNR of who knows the signal without error and has of the noise what was measured, nothing more."""
    return -10 * math.log10(floor * (1 - 1 / compression_dof))


def kurtosis(values: torch.Tensor) -> float:
    """-> fourth moment over the square of the second: 3 for a Gaussian, above it where few values are large."""
    centred = values - values.mean()
    return float((centred**4).mean() / (centred**2).mean() ** 2)


def whitened(image: torch.Tensor) -> torch.Tensor:
    """(n, n) -> (n, n): every ring of Fourier coefficients divided by its root mean square."""
    spectrum = fourier.fftn(image - image.mean())
    ring = fourier.rotational_mean(spectrum.abs() ** 2).sqrt()
    return fourier.ifftn(spectrum / ring.clamp_min(1e-12 * float(ring.max()))).real


def kurtoses(image: torch.Tensor) -> dict[str, float]:
    """(n, n) -> kurtosis of the coefficients that the priors call sparse, before and after whitening."""
    n = image.shape[-1]
    dct, haar = DCT(), Wavelet()
    plain, white = image[None, None], whitened(image)[None, None]
    details = haar.analysis(white)[0, 0]
    gradients = [(white[0, 0].diff(dim=axis)).flatten() for axis in (0, 1)]
    scales = {f"whitened Haar, {2 ** (i + 1)} px": _details_of(details, n >> (i + 1)) for i in range(3)}
    values = {
        "DCT": dct.analysis(plain)[0, 0][~dct.coarse(n)],
        "whitened DCT": dct.analysis(white)[0, 0][~dct.coarse(n)],
        "whitened Haar, all": details[~haar.coarse(n)],
        **scales,
        "whitened differences": torch.cat(gradients),
    }
    return {name: kurtosis(coefficients) for name, coefficients in values.items()}


def _details_of(coefficients: torch.Tensor, m: int) -> torch.Tensor:
    """Quadrant layout -> the three bands of m x m detail coefficients of one scale."""
    bands = (coefficients[:m, m : 2 * m], coefficients[m : 2 * m, :m], coefficients[m : 2 * m, m : 2 * m])
    return torch.cat([band.flatten() for band in bands])


def kurtosis_table() -> pd.DataFrame:
    """-> one line per image, one column per set of coefficients; for Gaussian images mean and deviation of 100 of them."""
    top, side = clean_projections()
    lines = {
        "the particle": kurtoses(particle()),
        "GroEL without noise, top view": kurtoses(top),
        "GroEL without noise, side view": kurtoses(side),
    }
    gaussian = pd.DataFrame([kurtoses(image) for image in surrogates(particle(), 100)])
    table = pd.DataFrame(lines).T.map("{:.2f}".format)
    table.loc["Gaussian, the particle's spectrum"] = [
        f"{m:.2f} ± {s:.2f}" for m, s in zip(gaussian.mean(), gaussian.std(), strict=True)
    ]
    return table.iloc[[0, 3, 1, 2]]


def logged_reconstructions(reference: Path, scores: Scores) -> pd.DataFrame:
    """-> scores of the paper's own reconstructions of the particle."""
    image = (2 * particle() - 1).float()[None, None]
    names = {"pixel K = 2, b = 2": "dct_pixel_K2_M2", "Fourier uniform p = 0.5, paper's masks": "dct_fourier_uniform_p05"}
    lines = {}
    for operator, name in names.items():
        x = torch.load(reference / "real" / f"reference_{name}.pt", weights_only=True).float()
        lines[operator] = {key: float(value) for key, value in scores(x, image).items()}
    return pd.DataFrame(lines).T
