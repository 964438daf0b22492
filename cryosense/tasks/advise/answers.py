"""From predictions to three answers, each by a name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cryosense.measurement.quantisers.levels import LevelQuantiser
from cryosense.tasks.advise.prediction import Poses, Prediction
from cryosense.tasks.advise.signal import Signal

NOTHING_LOST, BALANCED, MOST_STRUCTURES = "nothing_lost", "balanced", "most_structures"
WANTED = {NOTHING_LOST: 0.95, BALANCED: 0.85}  # share of the particles that those measured are worth, at least
MEANING = {
    NOTHING_LOST: "at least 95 % of the information",
    BALANCED: "about 85 % of it in fewer bytes",
    MOST_STRUCTURES: "the most information a byte, where more particles can be had",
}


@dataclass(frozen=True)
class Answer:
    """A recommendation: its name, and the scheme with what is expected of it."""

    name: str
    prediction: Prediction


def answers(predictions: Sequence[Prediction], signal: Signal, last_shell: int, poses: Poses) -> list[Answer]:
    """Return the cheapest schemes that keep what their names promise; those that none can keep are not there.

    All of them measure every shell up to ``last_shell`` by whitened coefficients, and leave enough to find poses by where
    these are still to be found. The first two move the resolution under the mask by less than a shell.
    """
    fitting = [each for each in predictions if _reaches(each, last_shell) and poses.suffice(each.pose_nats)]
    fitting.sort(key=lambda each: each.bytes)
    found = []
    for name, wanted in WANTED.items():
        kept = [each for each in fitting if (each.equivalent or 0) >= wanted and _resolves(each, signal)]
        found += [Answer(name, kept[0])] if kept else []
    if fitting:
        found.append(Answer(MOST_STRUCTURES, max(fitting, key=lambda each: each.per_byte)))
    return found


def _resolves(prediction: Prediction, signal: Signal) -> bool:
    """Whether less than a shell of the resolution under the mask is lost."""
    box = signal.box_size * signal.pixel_size_angstrom
    return box / prediction.masked > box / signal.resolution(masked=True) - 1


def _reaches(prediction: Prediction, last_shell: int) -> bool:
    scheme = prediction.scheme
    last = scheme.quantiser.last_shell
    whole = scheme.design.compression_nominal == 1 and scheme.design.domain == "fourier"
    return whole and isinstance(scheme.quantiser, LevelQuantiser) and (last is None or last >= last_shell)
