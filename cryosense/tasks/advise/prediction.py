"""What a scheme leaves of a data set, and what it takes, before anything is measured."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from cryosense.alignment.information import information_per_shell
from cryosense.errors import ArgumentError
from cryosense.metrics import equivalent_particles
from cryosense.tasks.advise.keeping import Keeping
from cryosense.tasks.advise.schemes import Scheme, table_bytes

POSES = ("known", "unknown")
LEAST_NATS = 20.0  # at 19 an eighth of the poses were more than 20 degrees off: see experiments/poses


@dataclass(frozen=True)
class Overhead:
    """Bytes beside the levels.

    Attributes:
        of_particle: poses, CTF, checksum and index of each.
        of_file: what describes it; tables of levels come to that.
    """

    of_particle: float
    of_file: float

    def total(self, bits: float, particles: int, tables: float = 0.0) -> float:
        """Return bytes for each of so many particles whose levels take ``bits``, in a file with so many bytes of tables."""
        return bits / 8 + self.of_particle + (self.of_file + tables) / particles


@dataclass(frozen=True)
class Poses:
    """Whether poses are still to be found in what is measured.

    Attributes:
        status: ``known``, from elsewhere, or ``unknown``.
        nats: that must then be left of what a particle says of its pose, in the mean.

    Raises:
        ArgumentError: another word, a floor below that of one grid.
    """

    status: str = "known"
    nats: float = 40.0

    def __post_init__(self) -> None:
        if self.status not in POSES:
            raise ArgumentError(f"status={self.status}: {' or '.join(POSES)}")
        if not self.nats >= LEAST_NATS:
            raise ArgumentError(f"nats={self.nats:g} do not tell the poses of one grid apart: {LEAST_NATS:g} are needed")

    @property
    def are_sought(self) -> bool:
        """Whether poses have to be found from what was measured."""
        return self.status == "unknown"

    def suffice(self, nats: float) -> bool:
        """Whether poses can be found in what says so much of them, or need not be."""
        return not self.are_sought or nats >= self.nats


@dataclass(frozen=True)
class Prediction:
    """Of one scheme, for as many particles as the signal is of.

    Attributes:
        bytes: of a particle, all included.
        equivalent: share of the particles that those measured are worth; None where no shell can be compared.
        unmasked, masked: resolution at 0.143 of half maps, in Angstrom; infinity for none.
        pose_nats: what a particle says of its pose.
        angular_error: over that without compression, to first order.
        curve: (n // 2 + 1,) half-map FSC without a mask.
    """

    scheme: Scheme
    bytes: float
    equivalent: float | None
    unmasked: float
    masked: float
    pose_nats: float
    angular_error: float
    curve: Tensor

    @property
    def per_byte(self) -> float:
        """Return equivalent particles a byte."""
        return (self.equivalent or 0.0) / self.bytes


def predict(scheme: Scheme, keeping: Keeping, overhead: Overhead) -> Prediction:
    """Return what is to be expected of the particles that the signal is of.

    A shell keeps of its signal-to-noise what its quantiser leaves: see ``cryosense.measurement.quantisers.efficiency``. Its
    half-map FSC follows, and from all of them what ``cryosense.metrics.equivalent_particles`` would find.
    """
    signal, shares = keeping.signal, scheme.shares(keeping)
    curve = signal.curve(shares)
    information = information_per_shell(signal.map_snr, signal.particles * signal.views)
    turning = torch.arange(len(shares), dtype=torch.float64) ** 2 * information  # of a turned image, by its square
    left = float((turning * shares).sum())
    return Prediction(
        scheme=scheme,
        bytes=overhead.total(scheme.bits(signal.box_size), signal.particles, table_bytes(scheme.quantiser)),
        equivalent=_worth(curve, signal.curve()),
        unmasked=signal.resolution(shares, masked=False),
        masked=signal.resolution(shares, masked=True),
        pose_nats=float((information * shares).sum()),
        angular_error=math.sqrt(float(turning.sum()) / left) if left > 0 else math.inf,
        curve=curve,
    )


def _worth(curve: Tensor, uncompressed: Tensor) -> float | None:
    try:
        return equivalent_particles(curve, uncompressed, 1)
    except ArgumentError:
        return None
