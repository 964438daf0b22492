"""What is tried on a data set, and how: measured to a file, decoded from it, back-projected, compared with no compression."""

from __future__ import annotations

import resource
from collections.abc import Collection
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self

import torch
from omegaconf import DictConfig
from scipy.optimize import brentq
from torch import Tensor

from cryosense.data import ParticleSource, survey_of
from cryosense.data.maps import read_map
from cryosense.measurement import FourierDesign, Full, PixelDesign
from cryosense.measurement.file import open_particles
from cryosense.measurement.quantisers import Float16, Float32, Sign, Trellis, Uniform
from cryosense.metrics import automatic_mask, fsc, resolution_angstrom
from cryosense.operators.masks import uniform
from cryosense.tasks.advise.advice import Advice
from cryosense.tasks.advise.answers import MEANING, MOST_STRUCTURES, Answer, answers
from cryosense.tasks.advise.keeping import Keeping
from cryosense.tasks.advise.looking import Looked, look
from cryosense.tasks.advise.prediction import Poses, Prediction, predict
from cryosense.tasks.advise.sample import Mapping, Sample
from cryosense.tasks.advise.schemes import RESOLVED, Scheme, ladder
from cryosense.tasks.maps.references import crossed
from cryosense.tasks.poses.alignment import in_sphere

HALVES, TRUTH, PAPERS = 0.143, 0.5, 2.5
TRELLIS_STEPS = (1.0, 0.53)  # of about one bit and two
FLOAT16, SCALAR = "float16, lossless", ", scalar"
ANSWERS = {True: list(MEANING), False: [name + SCALAR for name in MEANING]}  # with trellises among the choices or without
LAST_ANSWER = {each: names for names in ANSWERS.values() for each in names if each.startswith(MOST_STRUCTURES)}
Maps = tuple[Tensor, Tensor, Tensor]


def of_bits(bits: float, last_shell: int | None = None) -> Uniform:
    """-> the quantiser of whitened coefficients whose levels have so many bits of entropy."""
    step = brentq(lambda step: Uniform(step).books[0].entropy_bits - bits, 0.1, 6.0)
    return Uniform(float(step), last_shell=last_shell)


def schemes(inside: int, unmasked: int) -> dict[str, Scheme]:
    """-> by name; ``inside``: the last shell that advice measures, ``unmasked``: that of what is resolved without a mask."""
    flat = partial(FourierDesign, uniform, compression=PAPERS, per_particle=True)
    one, two = (Trellis(step) for step in TRELLIS_STEPS)
    named = {
        FLOAT16: (Float16(coded=True), Full("pixel")),
        "3 bits": (of_bits(3), Full()),
        "2.5 bits": (of_bits(2.5), Full()),
        "2 bits": (of_bits(2), Full()),
        "1.5 bits": (of_bits(1.5), Full()),
        "trellis, 2 bits": (two, Full()),
        "2 bits, as the trellis": (of_bits(two.books[0].entropy_bits), Full()),
        "trellis, 1 bit": (one, Full()),
        "1 bit, as the trellis": (of_bits(one.books[0].entropy_bits), Full()),
        "trellis, 1 bit, 8 states": (Trellis(TRELLIS_STEPS[0], states=8), Full()),
        "sign": (Sign(), Full()),
        "2 bits inside": (of_bits(2, inside), Full()),
        "sign inside": (Sign(last_shell=inside), Full()),
        "trellis, 1 bit, unmasked": (Trellis(TRELLIS_STEPS[0], last_shell=unmasked), Full()),
        "1 bit, unmasked, as the trellis": (of_bits(one.books[0].entropy_bits, unmasked), Full()),
        "2 bits inside, unmasked": (of_bits(2, unmasked), Full()),
        "pixels, 1 bit": (of_bits(1), Full("pixel")),
        "flat masks, float32": (Float32(), flat()),
        "flat masks, float16": (Float16(coded=True), flat()),
        "flat masks, not symmetric, float32": (Float32(), flat(symmetric=False)),
        "flat masks, 2 bits": (of_bits(2), flat()),
        "pixel masks K = 4, float32": (Float32(), PixelDesign(block_size=4, compression=PAPERS, per_particle=True)),
    }
    return {name: Scheme(name, *made) for name, made in named.items()}


SCHEMES = (*schemes(1, 1), *ANSWERS[True], *ANSWERS[False])


@dataclass(frozen=True)
class Cell:
    """A data set, looked at once.

    Attributes:
        sample, advice, looked: see ``cryosense.tasks.advise``.
        truth: (n, n, n) density.
    """

    sample: Sample
    advice: Advice
    looked: Looked
    truth: Tensor
    scratch: Path

    @classmethod
    def of(cls, star: Path, study: DictConfig, symmetry: str) -> Self:
        """Look at the particles of a simulation."""
        source, scratch = ParticleSource.open(star, None, None, None, None, None), star.parent / "work"
        scratch.mkdir(exist_ok=True)
        survey = survey_of(source.images, 64)
        numbers = torch.arange(len(source.images))
        sample = Sample(source, numbers, survey.mean, survey.deviation, source.data_fingerprint)
        mapping = Mapping(partial(automatic_mask, **study.mask), symmetry=symmetry)
        advice = Advice(mapping, Poses(), None, 3, 1.0)
        looked = look(sample, mapping, scratch, lambda done: None)
        return cls(sample, advice, looked, read_map(star.parent / "volume.mrc").values, scratch)

    @property
    def uncompressed(self) -> tuple[Tensor, Tensor]:
        """Half maps (n, n, n) without compression."""
        return self.looked.checking.uncompressed

    def ladder(self, names: Collection[str] | None = None) -> dict[str, Prediction]:
        """-> what is expected of every scheme that is named (None: of all), and of each answer that there is."""
        keeping, chosen = Keeping(self.looked.signal), set(SCHEMES if names is None else names)
        ends = self.advice.last_shells(self.looked.signal)
        named = schemes(ends[RESOLVED], ends.get("resolved without a mask", ends[RESOLVED]))
        expected = {name: predict(each, keeping, self.looked.overhead) for name, each in named.items() if name in chosen}
        for trellises, word in ((True, ""), (False, SCALAR)):
            if chosen.intersection(ANSWERS[trellises]):
                made = {each.name + word: each.prediction for each in self.answers(keeping, ends, trellises)}
                expected |= {name: each for name, each in made.items() if name in chosen}
        return expected

    def answers(self, keeping: Keeping, ends: dict[str, int], trellises: bool) -> list[Answer]:
        """-> those of `cryosense advise` for these particles, or what they are without trellises."""
        made = tuple(predict(scheme, keeping, self.looked.overhead) for scheme in ladder(keeping, ends, trellises))
        return answers(made, self.looked.signal, ends[RESOLVED], Poses())

    def measured(self, expected: Prediction, path: Path) -> float:
        """Measure to a file that is made anew; -> bytes of a particle."""
        path.unlink(missing_ok=True)
        scheme, count = expected.scheme, len(self.sample)
        file = self.sample.measured(scheme.quantiser, path, count, lambda done: None, scheme.design)
        return float(file.bytes_per_particle)

    def maps(self, source: ParticleSource) -> Maps:
        """-> half maps and full map."""
        return self.advice.mapping.halves(source, self.scratch, lambda done: None)

    def of_file(self, path: Path) -> Maps:
        """-> maps of what a file holds, by its own masks and poses."""
        return self.maps(open_particles(path))

    def of_fewer(self, share: float) -> Maps:
        """-> maps of so large a share of the particles, as they are."""
        return self.maps(self.sample.source.select(torch.arange(round(share * len(self.sample)))))

    def judged(self, maps: Maps, reference: tuple[Tensor, Tensor] | None = None) -> dict[str, float | None]:
        """-> what maps are worth in uncompressed particles (of ``reference``, if given), and where they end, in shells."""
        first, second, full = maps
        _, worth = crossed((first, second), reference or self.uncompressed, 1)
        curves = self.advice.mapping.curves((first, second), self.looked.checking.mask)
        to_truth = fsc(in_sphere(full), in_sphere(self.truth))
        return {
            "equivalent_measured": worth["cross"],
            "equivalent_by_half_maps": worth["half_maps"],
            "shell_unmasked": self.shell(curves.unmasked, HALVES),
            "shell_masked": self.shell(curves.corrected, HALVES),
            "shell_to_truth": self.shell(to_truth, TRUTH),
        }

    def shell(self, curve: Tensor, threshold: float) -> float:
        """-> where a curve (n // 2 + 1,) falls below a threshold, in shells."""
        size, n = self.sample.pixel_size_angstrom, self.sample.source.images.box_size
        return n * size / resolution_angstrom(curve, size, n, threshold)

    def expected_of(self, expected: Prediction) -> dict[str, float | None]:
        """-> the same of a prediction."""
        box = self.sample.pixel_size_angstrom * self.sample.source.images.box_size
        return {
            "bytes_expected": expected.bytes,
            "equivalent_expected": expected.equivalent,
            "shell_unmasked_expected": box / expected.unmasked,
            "shell_masked_expected": box / expected.masked,
            "angular_error_expected": expected.angular_error,
        }


def processor_seconds() -> float:
    """-> of this process, so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
