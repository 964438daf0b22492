"""One of each: operator, mask family, quantiser, prior, denoiser, method, data set."""

import torch

import cryosense as cs
from cryosense.denoisers import Denoiser
from cryosense.fourier import frequency_radius
from cryosense.measurement import Quantised, Quantiser


class Binning(cs.LinearOperator):
    def __init__(self, box_size, compression=4.0, *, seed=0):
        super().__init__()
        self.box_size = box_size

    def forward(self, x):
        return torch.nn.functional.avg_pool2d(x, 2)

    def adjoint(self, y):
        return y.repeat_interleave(2, 2).repeat_interleave(2, 3) / 4


def low_pass(box_size, kept_fraction, *, symmetric=True, seed=0):
    return (frequency_radius(box_size) ** 2 < kept_fraction * box_size**2 / torch.pi).float()


class Rounding(Quantiser):
    def __call__(self, y, operator, numbers):
        bits = operator.numbers_measured.double().expand(len(numbers)) * 8
        return Quantised((y * 32).round() / 32, operator.row_noise_gain / (32 * 12**0.5), bits)


class Smallness(cs.Prior):
    name = "smallness"

    def forward(self, x):
        return x.square().sum((1, 2, 3)) / 2

    def prox(self, x, step):
        return x / (1 + step)


class Grey(Denoiser):
    differentiable = True

    def __init__(self, box_size, variance=0.1):
        super().__init__()
        self.box_size, self.variance = box_size, variance
        self.register_buffer("alphas_cumprod", torch.linspace(1, 0, 1002, dtype=torch.float64)[1:-1])

    def forward(self, x_t, t):
        a = float(self.alphas_cumprod[t])
        return x_t * a**0.5 * self.variance / (a * self.variance + 1 - a)


class Halved(cs.Reconstructor):
    name = "halved"

    def forward(self, measurement):
        return cs.Estimate(measurement.operator.pinv(measurement.y) / 2)


def first_half(path):
    source = cs.ParticleSource.open(path, None, None, None, None, "first half")
    return source.select(torch.arange(len(source.images) // 2))
