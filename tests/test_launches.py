"""What the counts of launches, bytes and waits are, on operations of which they are known."""

import torch

from tests.launches import counted
from tests.pretended_device import pretended

SIZE = 4 * 8 * 4  # bytes of a (4, 8) float32 tensor


def test_operations_and_their_bytes_are_counted() -> None:
    with pretended() as device:
        x = torch.ones(4, 8, device=device)
        row = torch.ones(8, device=device).expand(4, 8)
        with counted() as made:
            x.view(8, 4).mT[2:]
            torch.empty_like(x)
            y = x + row
            torch.add(x, y, out=y)
            y.copy_(x)
            y.mul_(2)
    assert made.launches == 4
    assert made.bytes == (2 * SIZE + SIZE // 4) + 3 * SIZE + 2 * SIZE + 2 * SIZE
    assert made.waits == 0


def test_waits_are_counted() -> None:
    with pretended() as device:
        x, there = torch.arange(6.0, device=device), torch.tensor([0, 2], device=device)
        with counted() as made:
            x[there] = x[there] * torch.tensor(2.0)  # a number of the CPU goes along
            torch.ones(2).to(device, non_blocking=True)
        assert made.waits == 0
        for waiting in (
            lambda: float(x.sum()),
            lambda: bool((x > 2).any()),
            lambda: x.tolist(),
            lambda: x[x > 2],
            lambda: (x > 2).nonzero(),
            lambda: x[torch.tensor([0, 2])],
            lambda: torch.ones(2).to(device),
            lambda: torch.tensor([1.0, 2.0], device=device),
        ):
            with counted() as made:
                waiting()
            assert made.waits == 1
