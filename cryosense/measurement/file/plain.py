"""Designs, noise and quantisers as plain names and numbers, and back: from a list of what may be made, never by import."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping
from functools import partial
from typing import Any

from cryosense.errors import CodingError
from cryosense.measurement.baselines import AllPixels, FourierCrop
from cryosense.measurement.design import Design, OperatorDesign
from cryosense.measurement.full import Full
from cryosense.measurement.mask_designs import FourierDesign, PixelDesign
from cryosense.measurement.noise import GaussianNoise, Noise, NoNoise, PoissonNoise
from cryosense.measurement.quantisers import ByShell, Float16, Float32, LloydMax, Sign, StoredQuantiser, Trellis, Uniform
from cryosense.measurement.quantisers.levels import LevelQuantiser
from cryosense.operators import masks
from cryosense.operators.signed_binning import SignedBinning

FAMILIES = {
    function.__name__: function
    for function in (
        masks.random_binary,
        masks.random_gaussian,
        masks.checkerboard,
        masks.superres,
        masks.uniform,
        masks.variable_density,
        masks.ring,
        masks.radial,
    )
}
MASKED = {"fourier": FourierDesign, "pixel": PixelDesign}
OPERATORS = {"signed_binning": SignedBinning}
BASELINES = {"fourier_crop": FourierCrop, "all_pixels": AllPixels}
QUANTISERS = {kind.name: kind for kind in (Float32, Float16, Uniform, LloydMax, Sign, Trellis)}
OF_MASKS = {"fourier": ("symmetric",), "pixel": ("block_size",)}
COMMON = ("compression", "per_particle", "seed")
NOISES: Mapping[type[Noise], tuple[str, Mapping[str, str]]] = {
    NoNoise: ("none", {}),
    GaussianNoise: ("gaussian", {"sigma": "sigma", "units": "units", "placement": "placement", "seed": "seed"}),
    PoissonNoise: ("poisson", {"dose_electrons_per_pixel": "dose", "placement": "placement", "seed": "seed"}),
}
LARGEST, LONGEST, LARGEST_BLOCK, MOST_MASKED_PIXELS = 10**6, 4096, 32, 2**26


def describe_design(design: Design) -> dict[str, Any]:
    """Return a design as names and numbers. Raises CodingError for one that cannot be rebuilt from them."""
    if isinstance(design, Full):
        return {"name": "full", "domain": design.domain}
    for name, kind in BASELINES.items():
        if type(design) is kind:
            return {"name": name, "budget_of": describe_design(design.budget_of)}
    for name, masked in MASKED.items():
        if type(design) is masked:
            keys = (*OF_MASKS[name], *COMMON)
            return {"name": name, "masks": _describe_family(design.masks), **{key: getattr(design, key) for key in keys}}
    if type(design) is OperatorDesign and OPERATORS.get(design.domain) is getattr(design.make, "func", design.make):
        return {"name": design.domain, **{key: getattr(design, key) for key in COMMON}}
    raise CodingError(f"a design of the class {type(design).__name__} cannot be stored: its masks cannot be drawn again")


def _describe_family(family: Any) -> dict[str, Any]:
    function = getattr(family, "func", family)
    name = str(getattr(function, "__name__", ""))
    if FAMILIES.get(name) is not function or getattr(family, "args", None):
        raise CodingError("masks of a family of your own cannot be stored: readers of the file could not draw them")
    return {"name": name, **{key: _plain(key, _listed(value)) for key, value in keywords_of(family).items()}}


def keywords_of(family: Any) -> dict[str, Any]:
    """Return the parameters that a mask family was given."""
    return dict(getattr(family, "keywords", {}))


def _listed(value: Any) -> Any:
    return [float(each) for each in value] if hasattr(value, "__iter__") and not isinstance(value, str) else value


def make_design(content: Mapping[str, Any], box_size: int) -> Design:
    """Invert ``describe_design``. Raises CodingError for anything but known names and fitting numbers."""
    name = content.get("name")
    if name == "full":
        return Full(str(content.get("domain")))
    if name in BASELINES:
        return BASELINES[name](_masked(_mapping(content.get("budget_of")), box_size))
    if name in OPERATORS:
        return OperatorDesign(OPERATORS[name], name, **{key: _plain(key, content.get(key)) for key in COMMON})
    return _masked(content, box_size)


def _masked(content: Mapping[str, Any], box_size: int) -> Design:
    name, family = content.get("name"), dict(_mapping(content.get("masks")))
    function = FAMILIES.get(str(family.pop("name", None)))
    if name not in MASKED or function is None:
        raise CodingError(f"unknown design {str(content)[:80]}")
    known = inspect.signature(function).parameters
    if unknown := [key for key in family if key not in known or key in {"box_size", "seed", "count", "kept_fraction"}]:
        raise CodingError(f"masks have no parameter {unknown[0][:40]}")
    keywords = {key: _plain(key, value) for key, value in family.items()}
    given = {key: _plain(key, content.get(key)) for key in (*OF_MASKS[name], *COMMON)}
    if name == "pixel":
        count = given["block_size"] ** 2 / given["compression"]
        if given["block_size"] > LARGEST_BLOCK or count * box_size**2 > MOST_MASKED_PIXELS:
            raise CodingError("masks that would fill the memory")
    return MASKED[name](partial(function, **keywords), **given)


def describe_noise(noise: Noise) -> dict[str, Any]:
    """Return a noise model as names and numbers. Raises CodingError for one of another class."""
    if type(noise) not in NOISES:
        raise CodingError(f"noise of the class {type(noise).__name__} cannot be stored")
    name, keys = NOISES[type(noise)]
    return {"name": name, **{key: getattr(noise, attribute) for key, attribute in keys.items()}}


def make_noise(content: Mapping[str, Any]) -> Noise:
    """Invert ``describe_noise``. Raises CodingError for anything else."""
    for kind, (name, keys) in NOISES.items():
        if content.get("name") == name:
            words = {"units", "placement"}
            given = {key: str(content.get(key)) if key in words else _plain(key, content.get(key)) for key in keys}
            return kind(**given)
    raise CodingError(f"unknown noise {str(content)[:80]}")


def describe_quantiser(quantiser: StoredQuantiser) -> dict[str, Any]:
    """Return a quantiser as names and numbers."""
    content = {"name": quantiser.name, **quantiser.parameters}
    if isinstance(quantiser, ByShell):
        content["parts"] = [describe_quantiser(part) for part in quantiser.parameters["parts"]]
    return content


def make_quantiser(content: Mapping[str, Any], nested: bool = False) -> StoredQuantiser:
    """Invert ``describe_quantiser``; its tables must still be set. Raises CodingError for anything else."""
    given = dict(content)
    name = given.pop("name", None)
    if name == "by_shell" and not nested:
        parts = given.get("parts")
        if not isinstance(parts, list) or len(parts) > LONGEST:
            raise CodingError("a profile without parts")
        made = [make_quantiser(_mapping(part), nested=True) for part in parts]
        return ByShell([part for part in made if isinstance(part, LevelQuantiser)], _plain("seed", given.get("seed")))
    if name not in QUANTISERS:
        raise CodingError(f"unknown quantiser {str(content)[:80]}")
    kind = QUANTISERS[name]
    if set(given) != set(inspect.signature(kind).parameters):
        raise CodingError(f"parameters of another quantiser than {name}")
    return kind(**{key: _plain(key, value) for key, value in given.items()})


def _mapping(content: Any) -> Mapping[str, Any]:
    if not isinstance(content, dict):
        raise CodingError(f"names and values are expected, not {str(content)[:40]}")
    return content


def _plain(key: str, value: Any) -> Any:
    """Return a number, truth value, None or list of numbers unchanged. Raises CodingError for anything else or too large."""
    if isinstance(value, list) and len(value) <= LONGEST and key != "seed":
        return [_plain(key, each) for each in value if not isinstance(each, list)]
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int) and 0 <= value < (2**63 if key == "seed" else LARGEST):
        return value
    if isinstance(value, float) and math.isfinite(value) and abs(value) <= LARGEST and key != "seed":
        return value
    raise CodingError(f"{key}={str(value)[:40]} is not a value that a measurement file can have")
