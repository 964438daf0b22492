"""What a process has freed goes back to the system."""

import platform
import subprocess
import sys

import pytest

FREED = """
from pathlib import Path
from cryosense.runs.processes import give_memory_back

def megabytes():
    return int(Path("/proc/self/status").read_text().partition("VmRSS:")[2].split()[0]) / 1024

before = megabytes()
held = [bytes([i % 256]) * 65536 for i in range(2000)]
filled = megabytes()
del held[:-1]  # the last one lies behind the others
kept = megabytes()
give_memory_back()
print(filled - before, kept - before, megabytes() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc is known to keep freed memory, and to give it back")
def test_what_is_freed_goes_back_to_the_system() -> None:
    said = subprocess.run([sys.executable, "-c", FREED], capture_output=True, text=True, check=True).stdout
    filled, kept, left = map(float, said.split())
    assert filled > 120
    assert kept > 100  # else there was nothing to give back
    assert left < 10
