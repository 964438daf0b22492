"""The devices that laws hold on beside the CPU: a pretended one, and CUDA where there is one."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch

from tests.pretended_device import pretended

CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no CUDA device")
DEVICES = ["pretended", pytest.param("cuda", marks=CUDA)]
WHERE_LAWS_HOLD = pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=CUDA)])
ON_EACH_DEVICE = pytest.mark.parametrize("device", DEVICES)


@contextmanager
def there(device: str) -> Iterator[torch.device]:
    """-> the device, while it can be used."""
    if device == "pretended":
        with pretended() as made:
            yield made
    else:
        yield torch.device(device)
