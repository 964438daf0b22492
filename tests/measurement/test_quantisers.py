"""Laws of stored quantisers: their bytes give what they give without them, with the noise and bits that they state."""

import numpy as np
import pytest
import torch

from cryosense import fourier
from cryosense.measurement.quantisers import (
    ByShell,
    Float16,
    Float32,
    LloydMax,
    QuantiserError,
    Sign,
    StoredQuantiser,
    Trellis,
    Uniform,
)
from cryosense.measurement.quantisers.kinds import MOST_TRELLISES
from cryosense.operators import FourierSampling, LinearOperator, PixelMasking, masks

N, COUNT = 16, 24
OPERATORS = {
    "full": lambda: FourierSampling(torch.ones(N, N)),
    "pixels": lambda: PixelMasking(torch.ones(1, N, N), 1),
    "fourier": lambda: FourierSampling(masks.uniform(N, 0.4, symmetric=True, seed=0)),
    "papers": lambda: FourierSampling(masks.uniform(N, 0.4, symmetric=False, seed=0)),
    "each": lambda: FourierSampling(torch.stack([masks.uniform(N, 0.5, symmetric=True, seed=(0, i)) for i in range(COUNT)])),
    "blocks": lambda: PixelMasking(masks.random_binary(N, 4, keep_probability=0.5, seed=0), 4),
}
QUANTISERS = {
    "float32": Float32,
    "float32_coded": lambda: Float32(coded=True),
    "float16": Float16,
    "float16_coded": lambda: Float16(coded=True),
    "uniform": Uniform,
    "uniform_dithered": lambda: Uniform(1.5, dither=True, seed=3),
    "lloyd_max_3": lambda: LloydMax(3),
    "lloyd_max_5_packed": lambda: LloydMax(5, coded=False),
    "lloyd_max_dithered": lambda: LloydMax(4, dither=True),
    "trellis": Trellis,
    "trellis_4": lambda: Trellis(1.0, states=4),
    "sign": Sign,
    "sign_dithered": lambda: Sign(dither=True),
}
PROFILES = {
    "sign_inside": lambda: Sign(last_shell=5),
    "by_shell": lambda: ByShell([Uniform(0.2, last_shell=1), LloydMax(4, coded=False, last_shell=4), Sign(last_shell=6)]),
    "by_shell_trellis": lambda: ByShell(
        [Uniform(0.2, last_shell=1), Trellis(0.4, 8, last_shell=4), Sign(last_shell=5), Trellis(0.9)]
    ),
    "by_shell_all": lambda: ByShell([Float32_like(), Sign()]),
}
NUMBERS = torch.arange(COUNT) * 3 + 1


def Float32_like() -> Uniform:  # noqa: N802 - fine enough for the lowest shells
    return Uniform(0.05, dither=True, last_shell=2)


def images() -> torch.Tensor:
    """Coloured noise."""
    white = torch.from_numpy(np.random.default_rng(0).standard_normal((COUNT, 1, N, N)).astype(np.float32))
    return fourier.ifftn(fourier.fftn(white) / (1 + fourier.frequency_radius(N) / 4)).real.float()


def measured(quantiser: StoredQuantiser, name: str) -> tuple[LinearOperator, torch.Tensor]:
    operator = quantiser.operator(OPERATORS[name]())
    y = operator(images())
    quantiser.fit(y, operator, NUMBERS)
    return operator, y


CASES = [(q, o) for q in QUANTISERS for o in OPERATORS] + [(q, o) for q in PROFILES for o in ("full", "fourier", "each")]


@pytest.mark.parametrize(("name", "on"), CASES)
def test_bytes_give_what_the_quantiser_gives(name: str, on: str) -> None:
    quantiser = (QUANTISERS | PROFILES)[name]()
    operator, y = measured(quantiser, on)
    direct = quantiser(y, operator, NUMBERS)
    contents = quantiser.encode(y, operator, NUMBERS)
    assert torch.equal(quantiser.decode(contents, operator, NUMBERS), direct.y)
    spent = torch.tensor([8.0 * len(content) for content in contents], dtype=torch.float64)
    # Bits are those of the file, but for the words that the entropy coder ends with.
    assert bool((spent >= direct.bits - 1).all())
    assert bool((spent <= direct.bits + 64).all())


@pytest.mark.parametrize(("name", "on"), [case for case in CASES if case[1] in ("full", "pixels", "fourier", "each")])
def test_added_noise_is_what_is_stated_and_the_gain_is_one(name: str, on: str) -> None:
    quantiser = (QUANTISERS | PROFILES)[name]()
    operator, y = measured(quantiser, on)
    made = quantiser(y, operator, NUMBERS)
    coefficients = operator.row_coordinates(y)
    error = operator.row_coordinates(made.y) - coefficients
    stated = made.noise_std.expand(error.shape)
    assert bool((error[stated == 0].abs() <= 1e-6 if quantiser.name != "float32" else error == 0).all())
    # 24 images of 256 pixels: two per cent of chance, and shells that are not quite normal.
    assert float(error.square().sum()) == pytest.approx(float(stated.square().sum()), rel=0.12, abs=1e-9)
    projection = (error * coefficients).sum() / coefficients.square().sum()
    assert abs(float(projection)) < 0.05


@pytest.mark.parametrize("name", QUANTISERS)
def test_what_one_particle_becomes_depends_on_no_other(name: str) -> None:
    quantiser = QUANTISERS[name]()
    operator, y = measured(quantiser, "full")
    together = quantiser.encode(y, operator, NUMBERS)
    assert [quantiser.encode(y[i : i + 1], operator, NUMBERS[i : i + 1])[0] for i in range(COUNT)] == together


@pytest.mark.parametrize("make", [Float16, Float32])
def test_counts_take_little_more_than_their_entropy(make: type) -> None:
    """What a detector counts at 10 electrons a pixel: 3.7 bits; bytes are coded one by one, which costs a little."""
    counts = torch.from_numpy(np.random.default_rng(0).poisson(10, (COUNT, 1, N, N)).astype(np.float32))
    quantiser, operator = make(coded=True), OPERATORS["pixels"]()
    quantiser.fit(counts, operator, NUMBERS)
    contents = quantiser.encode(counts, operator, NUMBERS)
    assert torch.equal(quantiser.decode(contents, operator, NUMBERS), counts)
    shares = np.unique(counts, return_counts=True)[1] / counts.numel()
    entropy = -(shares * np.log2(shares)).sum()
    assert 8 * np.mean([len(content) for content in contents]) / N**2 < 1.3 * entropy + 0.3


def test_a_profile_spends_its_bits_where_it_says() -> None:
    quantiser = Sign(last_shell=5)
    operator, y = measured(quantiser, "full")
    inside = int((fourier.shell_index(N) <= 5).sum())
    assert int(operator.rank) == inside
    assert len(quantiser.encode(y, operator, NUMBERS)[0]) == -(-inside // 8)
    assert bool((quantiser(y, operator, NUMBERS).y[:, 0][:, fourier.shell_index(N) > 5] == 0).all())


@pytest.mark.parametrize(
    "make",
    [
        lambda: Uniform(0),
        lambda: Uniform(100),
        lambda: LloydMax(1),
        lambda: Trellis(0.05),
        lambda: Trellis(1.1),
        lambda: Trellis(states=12),
        lambda: ByShell([Trellis(0.2 + last / 50, 4, last) for last in range(MOST_TRELLISES + 1)]),
        lambda: ByShell([Sign(), Uniform()]),
        lambda: ByShell([Sign(last_shell=4), Uniform(last_shell=2)]),
        lambda: ByShell([Float16()]),
        lambda: Sign()(torch.ones(1, 1, N, N), OPERATORS["full"](), NUMBERS[:1]),
    ],
)
def test_wrong_quantisers_are_refused(make: object) -> None:
    with pytest.raises(QuantiserError):
        make()
