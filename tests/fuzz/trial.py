"""One content, one loader: returned, refused, or a finding."""

from __future__ import annotations

import re
import sys
import warnings
from pathlib import Path

from tests.fuzz.targets import Target

FORBIDDEN = (
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.spawn",
    "os.fork",
    "subprocess.Popen",
    "socket.connect",
    "pty.spawn",
)
RAN: list[str] = []


def watch() -> None:
    """From now on note what no loader may do: run programs, call other machines. Cannot be undone."""
    sys.addaudithook(lambda event, _: RAN.append(event) if event in FORBIDDEN else None)


def finding(target: Target, path: Path, content: bytes) -> str | None:
    """Write a content and load it. -> None if the loader returned, or refused it in a ValueError that names the file."""
    path.write_bytes(target.wrap(content))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            target.load(path)
    except ValueError as error:
        named = path.name in str(error) or path.parent.name in str(error)
        reason = None if named else f"{_where(error)} (names no file)"
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        reason = _where(error)
    else:
        reason = None
    if RAN:
        reason = f"CODE RAN: {RAN}"
        RAN.clear()
    return reason


def _where(error: BaseException) -> str:
    """Kind, words and the innermost line of the package."""
    trace, place = error.__traceback__, ""
    while trace is not None:
        if "cryosense" in trace.tb_frame.f_code.co_filename:
            place = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
        trace = trace.tb_next
    words = type(error).__name__ in ("JSONDecodeError", "UnicodeDecodeError") or str(error).split("\n")[0]
    # The same words about another byte are the same finding.
    return f"{type(error).__name__} at {place}: {re.sub('[0-9]+|0x[0-9a-f]+|[^ -~]|.[^ ]*[^ -~].*', '#', str(words))[:60]}"
