"""Ctrl-C and SIGTERM: a verb that is stopped says so in one line."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from cryosense.runs.lock import release_all

NAMES = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM"}


@contextmanager
def stoppable(verb: str, advice: str) -> Iterator[None]:
    """End the block at a signal, whatever it makes of it, with one line and the status that shells give: 130 or 143.

    Args:
        advice: how to go on.
    """
    received: list[int] = []
    process = os.getpid()

    def stop(number: int, frame: FrameType | None) -> None:
        if os.getpid() != process:  # a worker of this process: it ends silently
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        received.append(number)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in NAMES}
    try:
        yield
    except BaseException:
        if not received or os.environ.get("CRYOSENSE_TRACEBACK") == "1":
            raise
        for number in NAMES:
            signal.signal(number, signal.SIG_IGN)
        release_all()
        print(f"cryosense {verb}: stopped by {NAMES[signal.Signals(received[0])]}; {advice}", file=sys.stderr)
        raise SystemExit(128 + received[0]) from None
    finally:
        if not received:
            for number, handler in before.items():
                signal.signal(number, handler)
