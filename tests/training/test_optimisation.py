"""The learning rate's schedules."""

import pytest
import torch

from cryosense.training.optimisation import Optimisation


def rates(settings: Optimisation, steps: int) -> list[float]:
    """-> the learning rate of each step."""
    optimiser = settings.optimiser(iter([torch.nn.Parameter(torch.zeros(1))]))
    schedule, found = settings.schedule(optimiser), []
    for _ in range(steps):
        found.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        schedule.step()
    return found


def test_with_decay_steps_the_rate_rises_is_level_and_falls_on_a_line() -> None:
    found = rates(Optimisation(learning_rate=1.0, warmup_steps=4, steps=20, decay_steps=5), 21)
    assert found[:5] == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert found[4:16] == [1.0] * 12
    assert found[15:] == pytest.approx([1.0, 0.8, 0.6, 0.4, 0.2, 0.0])


def test_a_level_rate_can_be_gone_on_with_for_longer() -> None:
    """Up to where the shorter one begins to fall, both have had the same rates."""
    short, long = (rates(Optimisation(warmup_steps=4, steps=steps, decay_steps=5), 16) for steps in (20, 100))
    assert short == long
