"""The schemes that are compared: command-line words of `cryosense measure`."""

from __future__ import annotations

from dataclasses import dataclass

from scipy.optimize import brentq

from cryosense.measurement.quantisers.codebook import uniform

REACH = 12.0
FLAT = ("operator=fourier", "operator/masks=uniform", "operator.per_particle=true", "compression=2.5")


@dataclass(frozen=True)
class Scheme:
    """A name for the table, and how particles are measured."""

    name: str
    words: tuple[str, ...]

    @property
    def folder(self) -> str:
        return "".join(c if c.isalnum() else "_" for c in self.name)


def step_of(bits: float) -> float:
    """-> the step, in deviations, at which an entropy-coded uniform quantiser of a normal number takes so many bits."""
    return round(float(brentq(lambda step: uniform(step, REACH, False).entropy_bits - bits, 0.05, 6.0)), 4)


def at(bits: float) -> tuple[str, ...]:
    return ("quantiser=uniform", f"quantiser.step={step_of(bits)}")


def schemes(last_shell: int, designed: tuple[str, ...]) -> list[Scheme]:
    """-> those of the table, the most telling first; ``last_shell``: resolved as it is, ``designed``: words of such masks."""
    inside = f"quantiser.last_shell={last_shell}"
    pixels = ("design.domain=pixel",)
    return [
        Scheme("float32, lossless", ("quantiser=float32", "quantiser.coded=true", *pixels)),
        Scheme("float16, lossless", ("quantiser=float16", "quantiser.coded=true", *pixels)),
        Scheme("2 bits", at(2)),
        Scheme("sign", ("quantiser=sign",)),
        Scheme("2 bits inside the resolution", (*at(2), inside)),
        Scheme("sign inside the resolution", ("quantiser=sign", inside)),
        Scheme("flat masks C = 2.5, float16", (*FLAT, "quantiser=float16", "quantiser.coded=true")),
        Scheme("flat masks C = 2.5, 2 bits", (*FLAT, *at(2))),
        Scheme("designed masks, 2 bits", (*designed, *at(2))),
        *(Scheme(f"{bits:g} bits", at(bits)) for bits in (3, 1.5, 4, 1)),
        *(Scheme(f"pixels, {bits:g} bits", (*at(bits), *pixels)) for bits in (2, 1)),
        Scheme("4 levels", ("quantiser=lloyd_max", "quantiser.levels=4")),
        Scheme("sign of pixels", ("quantiser=sign", *pixels)),
        Scheme("sign inside, fine lowest shells", ("quantiser=by_shell", f"quantiser.parts.1.last_shell={last_shell}")),
    ]
