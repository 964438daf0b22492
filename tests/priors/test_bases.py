"""Bases against PyWavelets and SciPy, coefficient for coefficient."""

from collections.abc import Callable

import numpy as np
import pytest
import pywt
import scipy.fft
import torch

from cryosense.errors import ArgumentError
from cryosense.priors import DCT, Basis, Wavelet
from cryosense.priors.bases import max_levels

BOXES = pytest.mark.parametrize("n", [32, 48, 64, 128])
WAVELETS = pytest.mark.parametrize("name", ["haar", "db4", "sym8", "coif1"])
ROUNDING = {"atol": 1e-5, "rtol": 0}


def images(count: int, n: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, 1, n, n, generator=torch.Generator().manual_seed(seed))


def check_orthonormal(basis: Basis, n: int) -> None:
    x, c = images(3, n), images(3, n, seed=1)
    torch.testing.assert_close(basis.synthesis(basis.analysis(x)), x, **ROUNDING)
    torch.testing.assert_close(basis.analysis(basis.synthesis(c)), c, **ROUNDING)
    torch.testing.assert_close((basis.analysis(x) * c).sum(), (x * basis.synthesis(c)).sum(), atol=1e-2, rtol=0)
    assert torch.equal(basis.analysis(x[1:2]), basis.analysis(x)[1:2])


@BOXES
def test_dct_is_scipys_and_orthonormal(n: int) -> None:
    basis, x = DCT(), images(2, n)
    expected = scipy.fft.dctn(x.double().numpy(), axes=(-2, -1), norm="ortho")
    torch.testing.assert_close(basis.analysis(x), torch.from_numpy(expected).float(), **ROUNDING)
    check_orthonormal(basis, n)


@pytest.mark.filterwarnings("ignore:Level value")  # PyWavelets advises against the scales where a band is one filter long
@BOXES
@WAVELETS
@pytest.mark.parametrize("levels", [1, None])
def test_wavelets_are_pywavelets_and_orthonormal(n: int, name: str, levels: int | None) -> None:
    most = max_levels(n, pywt.Wavelet(name).dec_len)
    basis, x = Wavelet(name, levels), images(2, n)
    bands = pywt.wavedec2(x.double().numpy(), name, mode="periodization", level=levels or most, axes=(-2, -1))
    expected, _ = pywt.coeffs_to_array(bands, axes=(-2, -1))
    torch.testing.assert_close(basis.analysis(x), torch.from_numpy(expected).float(), **ROUNDING)
    check_orthonormal(basis, n)
    assert int(basis.coarse(n).sum()) == (n >> (levels or most)) ** 2
    np.testing.assert_array_equal(basis.analysis(x)[..., basis.coarse(n)].numel(), bands[0].size)


def test_levels_halve_while_the_box_is_even_and_as_long_as_the_filter() -> None:
    assert [max_levels(n, 2) for n in (128, 48, 2, 1)] == [7, 4, 1, 0]
    assert [max_levels(n, 8) for n in (128, 48, 8, 6)] == [5, 3, 1, 0]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Wavelet("bior2.2"), "bior2.2 is not orthogonal"),
        (lambda: Wavelet(levels=6).coarse(32), "levels=6: a box of 32 px allows 1 to 5"),
        (lambda: Wavelet(levels=0).coarse(32), "levels=0"),
    ],
)
def test_what_cannot_be_built_is_named(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        make()
