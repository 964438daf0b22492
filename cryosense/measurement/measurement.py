"""What was measured of some images, and nothing else: all that a reconstructor is given."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from cryosense.errors import MeasurementError
from cryosense.operators.base import LinearOperator

FLOAT_BITS = 32


@dataclass(frozen=True, init=False, eq=False)
class Measurement:
    """A measurement of b images.

    Attributes:
        y: (b, ...), as the operator's ``forward`` returns it.
        operator: one for all of them, or one that holds a mask set for each.
        noise_std: standard deviation of all noise, stated noise and quantisation, in the operator's row coordinates:
            (1 or b, ...), or what broadcasts to it. Zero where there is none and where nothing is measured. Default: none.
        numbers: (b,) int64 particle numbers, which key all random draws. Default: 0, 1, ...
        bits: (b,) float64, spent on each image. Default: 32 for each number that leaves the detector.
        ctf: what each image holds of its projection's coefficients, such as the CTF: real, the same at k and -k, on the half
            plane, (1 or b, 1, n, n // 2 + 1). Default: None, not known.

    Raises:
        MeasurementError: different counts of images in different parts.
    """

    y: Tensor
    operator: LinearOperator
    noise_std: Tensor
    numbers: Tensor
    bits: Tensor
    ctf: Tensor | None

    def __init__(
        self,
        y: Tensor,
        operator: LinearOperator,
        noise_std: Tensor | None = None,
        numbers: Tensor | None = None,
        bits: Tensor | None = None,
        ctf: Tensor | None = None,
    ) -> None:
        count = len(y)
        noise_std = operator.no_row_noise if noise_std is None else noise_std
        numbers = torch.arange(count) if numbers is None else numbers
        shared = {"operator.mask_sets": operator.mask_sets, "noise_std": len(noise_std)}
        shared |= {} if ctf is None else {"ctf": len(ctf)}
        each = {"numbers": len(numbers), "bits": count if bits is None else len(bits)}
        wrong = [f"{name}: {n}" for name, n in shared.items() if n not in {1, count}]
        wrong += [f"{name}: {n}" for name, n in each.items() if n != count]
        if wrong:
            raise MeasurementError(f"a measurement of {count} images, but {', '.join(wrong)}: all must agree")
        bits = stated_bits(operator, FLOAT_BITS, count) if bits is None else bits
        parts = {"y": y, "operator": operator, "noise_std": noise_std, "numbers": numbers, "bits": bits, "ctf": ctf}
        for name, value in parts.items():
            object.__setattr__(self, name, value)

    def part(self, images: Tensor) -> Measurement:
        """Return the measurement of the images with these indices (k,) alone."""
        noise_std = self.noise_std if len(self.noise_std) == 1 else self.noise_std[images]
        return Measurement(
            self.y[images],
            self.operator.part(images),
            noise_std,
            self.numbers[images.cpu()],
            self.bits[images.to(self.bits.device)],
            self.ctf if self.ctf is None or len(self.ctf) == 1 else self.ctf[images],
        )

    def seen_through(self, ctf: Tensor | None) -> Measurement:
        """Return the same with the CTFs, see ``ctf``, by which its images were seen."""
        return Measurement(self.y, self.operator, self.noise_std, self.numbers, self.bits, ctf)

    def to(self, device: torch.device) -> Measurement:
        """Return the same on a device; the operator itself is moved, and numbers and bits stay on the CPU."""
        operator = self.operator.to(device)
        ctf = None if self.ctf is None else self.ctf.to(device)
        return Measurement(self.y.to(device), operator, self.noise_std.to(device), self.numbers, self.bits, ctf)

    def __len__(self) -> int:
        return len(self.y)


def stated_bits(operator: LinearOperator, bits_per_number: float, count: int) -> Tensor:
    """Return the bits, (count,) float64, of ``count`` images' measurements at ``bits_per_number`` for each number."""
    return (operator.numbers_measured.double() * bits_per_number).expand(count)
